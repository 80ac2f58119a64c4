import { parseBucketUrl, type S3Settings } from '../bytes/store/s3-settings.ts'
import { isBaseUrl } from '../lib/base-url.ts'
import { ConfigError, quote } from '../lib/errors.ts'
import { parseKey } from '../lib/seal.ts'
import { asSubnet, isSubnet } from '../lib/subnet.ts'
import { commandName } from '../lib/typed-command.ts'

/** A host and a TCP or UDP port to listen on. */
export type Listen = { host: string; port: number }

/** What a machine does after a refusal was shown on its screen. */
export const afterRefusals = ['retry', 'local', 'halt'] as const
export type AfterRefusal = (typeof afterRefusals)[number]

export type Config = {
  dataDir: string
  /** `postgres://…`; undefined means the embedded database in the data folder. */
  databaseUrl: string | undefined
  /** False: the embedded database answers before what it wrote is on the disk. */
  durable: boolean
  /** True: a data folder that had an embedded database may begin with a new one. */
  newDatabase: boolean
  /** The id of a key that is lost: what it sealed is deleted at the start. */
  forgetKey: string | undefined
  /** True: the files of images are in the store of this server from now on. */
  newStore: boolean
  bootListen: Listen
  adminListen: Listen
  /** Undefined: TFTP is off. */
  tftpListen: Listen | undefined
  /** True when the operator named the TFTP address: then a failure to bind it ends the start. */
  tftpListenExplicit: boolean
  /** `http://host:port` that machines use; undefined means the address each machine asked. No trailing slash. */
  baseUrl: string | undefined
  nbpDir: string
  bootSubnets: string[]
  /** Proxies whose word counts for the client's address, as subnets. */
  trustedProxies: string[]
  afterRefusal: AfterRefusal
  /** A first admin token chosen by the operator, instead of one made and printed at the first start. */
  adminToken: string | undefined
  /** The key of 32 bytes that secrets are sealed with; undefined: that of `secretKeyFile`, else of the data folder. */
  secretKey: Buffer | undefined
  secretKeyFile: string | undefined
  /** True: a boot's answer file is given to whoever has its token, from every address. */
  answersToAnyAddress: boolean
  /** Subnets to whose addresses it is given, too. */
  answerSubnets: string[]
  keepBootsDays: number
  keepBoots: number
  keepChangesDays: number
  /** Stored files are hashed again once in so many days; 0: never. */
  verifyDays: number
  maxDiscovered: number
  maxDiscoveredPerAddress: number
  keepDiscoveredDays: number
  maxFileBytes: number
  /** The object store that files are in; undefined: the data folder. */
  s3: S3Settings | undefined
  importsAtOnce: number
  /** An import's download is tried again after so many seconds without a byte. */
  downloadStallSeconds: number
  downloadMinBytesPerSecond: number
  keepPartsDays: number
  /** Mirrors of distributions by the names that recipes call them; URLs without a slash at the end. */
  mirrors: Record<string, string>
  /** What imports go through; empty texts for none. */
  httpProxy: string
  httpsProxy: string
  noProxy: string
  /** Downloads at once; who comes above that is told when to ask again. */
  maxTransfers: number
  /** HTTP connections of the boot network at once. */
  maxConnections: number
  /** Of one address, or of one IPv6 /64; undefined: a quarter of all. */
  maxConnectionsPerAddress: number | undefined
  /** Of all downloads together; undefined: as fast as it goes. */
  maxBytesPerSecond: number | undefined
  fileCacheBytes: number
  /** True: files go from the page cache to the socket inside the kernel, where that can be done. */
  sendfile: boolean
  /** Processes that send files beside the server's own; 0: it does all itself. */
  fileWorkers: number
  tftpBlockSize: number
  tftpWindowSize: number
  tftpMaxTransfers: number
  tftpMaxTransfersPerAddress: number
  tftpSinglePort: boolean
  logLevel: string
  logLevelNames: boolean
  /** How the command line is typed here. */
  command: string
}

type Setting = { name: string; fallback: string | undefined; meaning: string }

/** Every setting, with its default and its meaning; `bootwright serve --help` prints this table. */
export const settings = {
  dataDir: {
    name: 'BOOTWRIGHT_DATA_DIR',
    fallback: 'data',
    meaning: 'folder of the embedded database and of image files',
  },
  databaseUrl: { name: 'DATABASE_URL', fallback: undefined, meaning: 'postgres://… instead of the embedded database' },
  durable: {
    name: 'BOOTWRIGHT_DURABLE',
    fallback: 'yes',
    meaning: 'no: the embedded database does not wait for the disk; a power cut may lose the newest data, or all of it',
  },
  newDatabase: {
    name: 'BOOTWRIGHT_NEW_DATABASE',
    fallback: 'no',
    meaning: 'yes: start with an empty inventory in a data folder that has lost its database',
  },
  forgetKey: {
    name: 'BOOTWRIGHT_FORGET_KEY',
    fallback: undefined,
    meaning: 'the id of a secret key that is lost: the start deletes all secrets and webhooks that only it opens',
  },
  newStore: {
    name: 'BOOTWRIGHT_NEW_STORE',
    fallback: 'no',
    meaning: 'yes: the store of this server takes the place of the one that the database had for image files',
  },
  bootListen: { name: 'BOOTWRIGHT_BOOT_LISTEN', fallback: '0.0.0.0:8080', meaning: 'boot HTTP, for machines' },
  adminListen: { name: 'BOOTWRIGHT_ADMIN_LISTEN', fallback: '127.0.0.1:8081', meaning: 'admin HTTP, for operators' },
  tftpListen: { name: 'BOOTWRIGHT_TFTP_LISTEN', fallback: '0.0.0.0:69', meaning: 'TFTP, for firmware; or off' },
  baseUrl: {
    name: 'BOOTWRIGHT_BASE_URL',
    fallback: undefined,
    meaning: 'http://host:port that machines use, when it is not the address they asked',
  },
  nbpDir: {
    name: 'BOOTWRIGHT_NBP_DIR',
    fallback: undefined,
    meaning: 'folder of boot programs (default: ipxe/nbp of the program)',
  },
  bootSubnets: {
    name: 'BOOTWRIGHT_BOOT_SUBNETS',
    fallback: '',
    meaning: 'subnets that may boot, 10.0.0.0/8,192.168.1.0/24; empty means all',
  },
  trustedProxies: {
    name: 'BOOTWRIGHT_TRUSTED_PROXIES',
    fallback: '',
    meaning:
      'addresses and subnets of proxies before boot HTTP: the client address is read from their Forwarded or X-Forwarded-For',
  },
  afterRefusal: {
    name: 'BOOTWRIGHT_AFTER_REFUSAL',
    fallback: 'retry',
    meaning: 'what a refused machine does: retry, local or halt',
  },
  adminToken: {
    name: 'BOOTWRIGHT_ADMIN_TOKEN',
    fallback: undefined,
    meaning: 'the first admin token, 32 characters or more, instead of a made one',
  },
  secretKey: {
    name: 'BOOTWRIGHT_SECRET_KEY',
    fallback: undefined,
    meaning: 'key that secrets are sealed with, 64 hexadecimal digits',
  },
  secretKeyFile: {
    name: 'BOOTWRIGHT_SECRET_KEY_FILE',
    fallback: undefined,
    meaning: 'file with that key (default: secret.key in the data folder, made at the first start)',
  },
  answersToAnyAddress: {
    name: 'BOOTWRIGHT_ANSWERS_TO_ANY_ADDRESS',
    fallback: 'no',
    meaning: 'yes: give an answer file also to another address than the one that fetched the script',
  },
  answerSubnets: {
    name: 'BOOTWRIGHT_ANSWER_SUBNETS',
    fallback: '',
    meaning: 'subnets, 10.0.0.0/8,192.168.1.0/24: give an answer file also to another address there',
  },
  keepBootsDays: {
    name: 'BOOTWRIGHT_KEEP_BOOTS_DAYS',
    fallback: '90',
    meaning: 'boots are forgotten after so many days',
  },
  keepBoots: { name: 'BOOTWRIGHT_KEEP_BOOTS', fallback: '1000000', meaning: 'boots kept at most, the newest' },
  keepChangesDays: {
    name: 'BOOTWRIGHT_KEEP_CHANGES_DAYS',
    fallback: '365',
    meaning: 'the log of changes is forgotten after so many days',
  },
  verifyDays: {
    name: 'BOOTWRIGHT_VERIFY_DAYS',
    fallback: '7',
    meaning: 'the bytes of each stored file are hashed again once in so many days; 0: never',
  },
  maxDiscovered: {
    name: 'BOOTWRIGHT_MAX_DISCOVERED',
    fallback: '10000',
    meaning: 'discovered machines kept at most; beyond it those seen longest ago make room',
  },
  maxDiscoveredPerAddress: {
    name: 'BOOTWRIGHT_MAX_DISCOVERED_PER_ADDRESS',
    fallback: '256',
    meaning: 'discovered machines kept of one address (of IPv6: of one /64), and their boots recorded in a burst',
  },
  keepDiscoveredDays: {
    name: 'BOOTWRIGHT_KEEP_DISCOVERED_DAYS',
    fallback: '30',
    meaning: 'days after which a discovered machine that is not seen again is forgotten',
  },
  maxFileBytes: {
    name: 'BOOTWRIGHT_MAX_FILE_BYTES',
    fallback: '34359738368',
    meaning: 'largest file that may be uploaded, bytes',
  },
  s3Url: {
    name: 'BOOTWRIGHT_S3_URL',
    fallback: undefined,
    meaning: 'https://host[:port]/bucket[/prefix]: image files are in this object store, not in the data folder',
  },
  s3Region: { name: 'BOOTWRIGHT_S3_REGION', fallback: 'us-east-1', meaning: 'its region' },
  s3AccessKey: { name: 'BOOTWRIGHT_S3_ACCESS_KEY', fallback: undefined, meaning: 'its access key' },
  s3SecretKey: { name: 'BOOTWRIGHT_S3_SECRET_KEY', fallback: undefined, meaning: 'the secret of that key' },
  s3Redirect: {
    name: 'BOOTWRIGHT_S3_REDIRECT',
    fallback: 'no',
    meaning: 'yes: machines fetch files from the object store themselves, by signed URLs',
  },
  importsAtOnce: { name: 'BOOTWRIGHT_IMPORTS_AT_ONCE', fallback: '2', meaning: 'imports of images at once' },
  downloadStallSeconds: {
    name: 'BOOTWRIGHT_DOWNLOAD_STALL_SECONDS',
    fallback: '60',
    meaning: 'a download for an import is tried again after so long without a byte',
  },
  downloadMinBytesPerSecond: {
    name: 'BOOTWRIGHT_DOWNLOAD_MIN_BYTES_PER_SECOND',
    fallback: '1024',
    meaning: 'a download for an import that is slower over that time is tried again; 0 for no limit',
  },
  keepPartsDays: {
    name: 'BOOTWRIGHT_KEEP_PARTS_DAYS',
    fallback: '7',
    meaning: 'what arrived of broken-off downloads and uploads is kept for so many days',
  },
  mirrors: {
    name: 'BOOTWRIGHT_MIRRORS',
    fallback: '',
    meaning: 'mirrors that recipes fetch from instead, debian=http://mirror.example/debian,ubuntu=…',
  },
  httpProxy: { name: 'HTTP_PROXY', fallback: '', meaning: 'proxy for http URLs of imports, http://host:port' },
  httpsProxy: { name: 'HTTPS_PROXY', fallback: '', meaning: 'proxy for https URLs of imports, http://host:port' },
  noProxy: { name: 'NO_PROXY', fallback: '', meaning: 'hosts and domains that are asked without a proxy; * for all' },
  maxTransfers: { name: 'BOOTWRIGHT_MAX_TRANSFERS', fallback: '2000', meaning: 'downloads of files at once' },
  maxConnections: {
    name: 'BOOTWRIGHT_MAX_CONNECTIONS',
    fallback: '20000',
    meaning: 'boot HTTP connections at once; fewer where the limit of open files (ulimit -n) does not allow them',
  },
  maxConnectionsPerAddress: {
    name: 'BOOTWRIGHT_MAX_CONNECTIONS_PER_ADDRESS',
    fallback: undefined,
    meaning: 'boot HTTP connections at once of one address or IPv6 /64 (default: a quarter of all)',
  },
  maxBytesPerSecond: {
    name: 'BOOTWRIGHT_MAX_BYTES_PER_SECOND',
    fallback: undefined,
    meaning: 'of all downloads together; none: as fast as it goes',
  },
  fileCacheBytes: {
    name: 'BOOTWRIGHT_FILE_CACHE_BYTES',
    fallback: '134217728',
    meaning: 'memory for parts of files that are read, bytes',
  },
  sendfile: {
    name: 'BOOTWRIGHT_SENDFILE',
    fallback: 'yes',
    meaning: 'no: read files into memory instead of letting the kernel send them',
  },
  fileWorkers: {
    name: 'BOOTWRIGHT_FILE_WORKERS',
    fallback: '0',
    meaning: 'further processes that send files of the data folder, to use more cores',
  },
  tftpBlockSize: { name: 'BOOTWRIGHT_TFTP_BLOCK_SIZE', fallback: '1468', meaning: 'largest TFTP block, bytes' },
  tftpWindowSize: { name: 'BOOTWRIGHT_TFTP_WINDOW_SIZE', fallback: '16', meaning: 'largest TFTP window, blocks' },
  tftpMaxTransfers: { name: 'BOOTWRIGHT_TFTP_MAX_TRANSFERS', fallback: '1000', meaning: 'TFTP transfers at once' },
  tftpMaxTransfersPerAddress: {
    name: 'BOOTWRIGHT_TFTP_MAX_TRANSFERS_PER_ADDRESS',
    fallback: '16',
    meaning: 'TFTP transfers at once for one address',
  },
  tftpSinglePort: {
    name: 'BOOTWRIGHT_TFTP_SINGLE_PORT',
    fallback: 'no',
    meaning: 'yes: answer TFTP from the listening port (behind NAT)',
  },
  logLevel: { name: 'BOOTWRIGHT_LOG_LEVEL', fallback: 'info', meaning: 'debug, info, warn or error' },
  logLevelNames: {
    name: 'BOOTWRIGHT_LOG_LEVEL_NAMES',
    fallback: 'no',
    meaning: 'yes: log lines in JSON have their level by name ("warn") instead of by number (40)',
  },
} satisfies Record<string, Setting>

const secretSettings = new Set<string>([
  'adminToken',
  'secretKey',
  's3SecretKey',
  'httpProxy',
  'httpsProxy',
] satisfies (keyof typeof settings)[])

/** The settings that other programs have too, often in lower case. */
const proxySettings = ['httpProxy', 'httpsProxy', 'noProxy'] as const

// Variables of the command line (cli/client.ts) and of scripts/setup. The server accepts them in its environment.
const foreignSettings = ['BOOTWRIGHT_URL', 'BOOTWRIGHT_TOKEN', 'BOOTWRIGHT_NO_APT']

/**
 * The environment as settings. Pure.
 * @throws ConfigError that names every fault at once: the setting, its value and what was expected; unknown settings with our prefix too.
 */
export function loadConfig(env: Record<string, string | undefined>, defaultNbpDir: string): Config {
  const faults: string[] = []
  const known = new Set<string>([...Object.values(settings).map((s) => s.name), ...foreignSettings])
  for (const name of Object.keys(env)) {
    if (name.startsWith('BOOTWRIGHT_') && !known.has(name)) faults.push(`${name}: there is no such setting`)
  }

  const given = (key: keyof typeof settings): string | undefined => {
    const { name } = settings[key]
    const text = proxySettings.some((one) => one === key) ? (env[name.toLowerCase()] ?? env[name]) : env[name]
    return text?.trim() || undefined
  }
  function read<T>(key: keyof typeof settings, parse: (text: string) => T | undefined, expected: string): T {
    const text = given(key) ?? settings[key].fallback ?? ''
    const value = parse(text)
    // A secret must not be printed in a fault, a password in a URL neither.
    const shown = secretSettings.has(key) || /\/\/[^/]*@/.test(text) ? '"***"' : quote(text)
    if (value === undefined) faults.push(`${settings[key].name}: expected ${expected}, got ${shown}`)
    return value as T
  }
  const optional = <T>(key: keyof typeof settings, parse: (text: string) => T | undefined, expected: string) =>
    given(key) === undefined ? undefined : read(key, parse, expected)
  const count = (key: keyof typeof settings, least: number, most: number) =>
    read(key, (text) => wholeNumber(text, least, most), `a whole number from ${least} to ${most}`)

  const tftp = read(
    'tftpListen',
    (text) => (text === 'off' ? ('off' as const) : parseListen(text)),
    'host:port, or off',
  )
  const readS3 = (): S3Settings => ({
    ...read('s3Url', parseBucketUrl, 'https://host[:port]/bucket[/prefix]'),
    region: read('s3Region', (text) => (/^[A-Za-z0-9_-]{1,64}$/.test(text) ? text : undefined), 'the name of a region'),
    accessKey: read('s3AccessKey', printable, 'the access key of the object store'),
    secretKey: read('s3SecretKey', printable, 'the secret of that key'),
    redirect: read('s3Redirect', yesNo, 'yes or no'),
  })
  const config: Config = {
    dataDir: read('dataDir', (text) => text || undefined, 'a folder'),
    databaseUrl: optional(
      'databaseUrl',
      (text) => (/^postgres(ql)?:\/\//.test(text) ? text : undefined),
      'postgres://…',
    ),
    durable: read('durable', yesNo, 'yes or no'),
    newDatabase: read('newDatabase', yesNo, 'yes or no'),
    forgetKey: optional('forgetKey', parseKeyId, '8 hexadecimal digits'),
    newStore: read('newStore', yesNo, 'yes or no'),
    bootListen: read('bootListen', parseListen, 'host:port'),
    adminListen: read('adminListen', parseListen, 'host:port'),
    tftpListen: tftp === 'off' ? undefined : tftp,
    tftpListenExplicit: given('tftpListen') !== undefined,
    baseUrl: optional('baseUrl', parseBaseUrl, 'http://host[:port] without a path'),
    nbpDir: given('nbpDir') ?? defaultNbpDir,
    bootSubnets: read('bootSubnets', parseSubnets, 'subnets like 10.0.0.0/8, with commas between'),
    trustedProxies: read(
      'trustedProxies',
      (text) =>
        parseSubnets(
          text
            .split(',')
            .map((part) => asSubnet(part.trim()))
            .join(','),
        ),
      'addresses or subnets like 10.0.0.5,192.168.1.0/24, with commas between',
    ),
    afterRefusal: read('afterRefusal', (text) => afterRefusals.find((one) => one === text), afterRefusals.join(', ')),
    adminToken: optional(
      'adminToken',
      (text) => (/^[\x21-\x7e]{32,256}$/.test(text) ? text : undefined),
      '32 to 256 printable characters',
    ),
    secretKey: optional('secretKey', parseKey, '64 hexadecimal digits'),
    secretKeyFile: given('secretKeyFile'),
    answersToAnyAddress: read('answersToAnyAddress', yesNo, 'yes or no'),
    answerSubnets: read('answerSubnets', parseSubnets, 'subnets like 10.0.0.0/8, with commas between'),
    keepBootsDays: count('keepBootsDays', 1, 36_500),
    keepBoots: count('keepBoots', 1, 1_000_000_000),
    keepChangesDays: count('keepChangesDays', 1, 36_500),
    verifyDays: count('verifyDays', 0, 3650),
    maxDiscovered: count('maxDiscovered', 0, 10_000_000),
    maxDiscoveredPerAddress: count('maxDiscoveredPerAddress', 1, 10_000_000),
    keepDiscoveredDays: count('keepDiscoveredDays', 1, 36_500),
    maxFileBytes: count('maxFileBytes', 1, 2 ** 50),
    s3: given('s3Url') === undefined ? undefined : readS3(),
    importsAtOnce: count('importsAtOnce', 1, 100),
    downloadStallSeconds: count('downloadStallSeconds', 1, 3600),
    downloadMinBytesPerSecond: count('downloadMinBytesPerSecond', 0, 1_000_000_000),
    keepPartsDays: count('keepPartsDays', 1, 36_500),
    mirrors: read('mirrors', parseMirrors, 'name=http://host/path, with commas between'),
    httpProxy: read('httpProxy', parseProxy, 'http://host:port'),
    httpsProxy: read('httpsProxy', parseProxy, 'http://host:port'),
    noProxy: read('noProxy', (text) => text, 'hosts with commas between'),
    maxTransfers: count('maxTransfers', 1, 1_000_000),
    maxConnections: count('maxConnections', 1, 1_000_000),
    maxConnectionsPerAddress:
      given('maxConnectionsPerAddress') === undefined ? undefined : count('maxConnectionsPerAddress', 1, 1_000_000),
    maxBytesPerSecond: optional(
      'maxBytesPerSecond',
      (text) => wholeNumber(text, 65_536, 2 ** 50),
      'a whole number from 65536',
    ),
    fileCacheBytes: count('fileCacheBytes', 2 ** 20, 2 ** 50),
    sendfile: read('sendfile', yesNo, 'yes or no'),
    fileWorkers: count('fileWorkers', 0, 64),
    tftpBlockSize: count('tftpBlockSize', 512, 65464),
    tftpWindowSize: count('tftpWindowSize', 1, 65535),
    tftpMaxTransfers: count('tftpMaxTransfers', 1, 20_000),
    tftpMaxTransfersPerAddress: count('tftpMaxTransfersPerAddress', 1, 20_000),
    tftpSinglePort: read('tftpSinglePort', yesNo, 'yes or no'),
    logLevel: read(
      'logLevel',
      (text) => ['trace', 'debug', 'info', 'warn', 'error', 'silent'].find((level) => level === text),
      'debug, info, warn or error',
    ),
    logLevelNames: read('logLevelNames', yesNo, 'yes or no'),
    command: commandName(env),
  }
  if (config.fileWorkers > 0 && config.s3 !== undefined)
    faults.push(
      'BOOTWRIGHT_FILE_WORKERS: expected 0 with BOOTWRIGHT_S3_URL: machines can fetch from the object store, see BOOTWRIGHT_S3_REDIRECT',
    )
  if (faults.length > 0) throw new ConfigError(faults.join('\n'))
  return config
}

function parseListen(text: string): Listen | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = wholeNumber(match?.[3] ?? '', 0, 65535)
  return host !== undefined && port !== undefined ? { host, port } : undefined
}

function parseKeyId(text: string): string | undefined {
  return /^[0-9a-f]{8}$/.test(text) ? text : undefined
}

function parseBaseUrl(text: string): string | undefined {
  const url = text.replace(/\/$/, '')
  return isBaseUrl(url) ? url : undefined
}

function parseMirrors(text: string): Record<string, string> | undefined {
  const parts = text.split(',').map((part) => /^([a-z0-9][a-z0-9-]*)=(https?:\/\/\S+?)\/*$/.exec(part.trim()))
  if (text.trim() === '') return {}
  return parts.every((part) => part !== null && URL.canParse(part[2] ?? ''))
    ? Object.fromEntries(parts.map((part) => [part?.[1], part?.[2]]))
    : undefined
}

// curl takes a proxy without a scheme for an http one.
function parseProxy(text: string): string | undefined {
  const url = text === '' || /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`
  return url === '' || (/^https?:/i.test(url) && URL.canParse(url)) ? url : undefined
}

function printable(text: string): string | undefined {
  return /^[\x21-\x7e]{1,512}$/.test(text) ? text : undefined
}

function parseSubnets(text: string): string[] | undefined {
  const subnets = text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
  return subnets.every(isSubnet) ? subnets : undefined
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return value >= least && value <= most ? value : undefined
}

function yesNo(text: string): boolean | undefined {
  return text === 'yes' || text === 'true' ? true : text === 'no' || text === 'false' ? false : undefined
}
