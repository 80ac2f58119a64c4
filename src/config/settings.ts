// Every setting, once: name, default, meaning, parser. `serve --help` and docs/reference/settings.md are printed from
// this table.
import { parseKey } from '../lib/seal.ts'
import { proxyModes } from '../model/assignment.ts'
import { parseGroupRoles, parseIssuer, parseScopes } from './oidc-settings.ts'
import { macPrefixes, parseInterfaces, parseSubnetModes } from './proxy-settings.ts'
import { parseBucketUrl } from './s3-settings.ts'
import {
  addresses,
  choice,
  listen,
  matching,
  optional,
  optionalWhole,
  parseBaseUrl,
  parseHosts,
  parseListen,
  parseMirrors,
  parseProxy,
  secret,
  setting,
  shared,
  subnets,
  whole,
  yesNo,
} from './setting.ts'

/** The possible actions of a machine after it showed a refusal on its screen. */
export const afterRefusals = ['retry', 'local', 'halt'] as const

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
const anyText = matching(/./)
const oneWord = matching(/^[\x21-\x7e]{1,512}$/)
const days = { min: 1, max: 36_500 }
const bytes = { min: 1, max: 2 ** 50 }

/** The settings, grouped by their use. The environment has no groups, only names. */
export const settings = {
  data: {
    folder: setting(
      'BOOTWRIGHT_DATA_DIR',
      'data',
      'Folder of the embedded database and image files',
      'a folder',
      anyText,
    ),
  },
  database: {
    url: optional(
      'DATABASE_URL',
      'PostgreSQL database to use instead of the embedded one',
      'postgres://…',
      matching(/^postgres(ql)?:\/\//),
    ),
    durable: yesNo(
      'BOOTWRIGHT_DURABLE',
      'yes',
      'Whether the embedded database syncs each change to the disk. With no, a power cut may lose the newest data, or all data',
    ),
    waitMs: whole(
      'BOOTWRIGHT_DATABASE_WAIT_MS',
      300,
      { min: 20, max: 10_000 },
      'Milliseconds that a machine waits for the database; then Bootwright decides from what it has in memory',
    ),
    maxRosterMachines: whole(
      'BOOTWRIGHT_ROSTER_MACHINES',
      250_000,
      { min: 1000, max: 10_000_000 },
      'Maximum number of machines in memory. If there are more, the machines that booted last are in memory',
    ),
    mayBeNew: yesNo(
      'BOOTWRIGHT_NEW_DATABASE',
      'no',
      'Permission to start with an empty inventory in a data folder that has lost its database',
    ),
  },
  boot: {
    listen: listen('BOOTWRIGHT_BOOT_LISTEN', '0.0.0.0:8080', 'Address and port of boot HTTP, for machines'),
    baseUrl: optional(
      'BOOTWRIGHT_BASE_URL',
      'Base URL for machines, instead of the address at which they reached the server',
      'http://host[:port] without a path',
      parseBaseUrl,
    ),
    nbpFolder: optional(
      'BOOTWRIGHT_NBP_DIR',
      "Folder of boot programs, instead of the program's ipxe/nbp",
      'a folder',
      anyText,
    ),
    subnets: subnets('BOOTWRIGHT_BOOT_SUBNETS', 'Subnets whose machines may boot; empty for all'),
    trustedProxies: addresses(
      'BOOTWRIGHT_TRUSTED_PROXIES',
      'Proxies in front of boot HTTP or admin HTTP whose Forwarded or X-Forwarded-For header names the client',
    ),
    afterRefusal: choice(
      'BOOTWRIGHT_AFTER_REFUSAL',
      'retry',
      afterRefusals,
      'Action of a machine after a refusal, and after five retries of a failed boot',
    ),
    withoutServer: choice(
      'BOOTWRIGHT_WITHOUT_SERVER',
      'local',
      ['local', 'retry'] as const,
      'Action of a machine that got no script for five minutes: its next boot device, or a retry every five minutes',
    ),
    maxConnections: whole(
      'BOOTWRIGHT_MAX_CONNECTIONS',
      20_000,
      { min: 1, max: 1_000_000 },
      'Maximum concurrent boot HTTP connections; fewer if the limit of open files (ulimit -n) is lower',
    ),
    maxConnectionsPerAddress: optionalWhole(
      'BOOTWRIGHT_MAX_CONNECTIONS_PER_ADDRESS',
      { min: 1, max: 1_000_000 },
      'Maximum concurrent boot HTTP connections per IPv4 address or IPv6 /64, instead of a quarter of the maximum',
    ),
  },
  admin: {
    listen: listen('BOOTWRIGHT_ADMIN_LISTEN', '127.0.0.1:8081', 'Address and port of admin HTTP, for operators'),
    token: secret(
      optional(
        'BOOTWRIGHT_ADMIN_TOKEN',
        'First admin token, instead of a generated one',
        '32 to 256 printable characters',
        matching(/^[\x21-\x7e]{32,256}$/),
      ),
    ),
    url: optional(
      'BOOTWRIGHT_ADMIN_URL',
      'URL at which people reach admin HTTP, behind a proxy or by its name',
      'http://host[:port] or https://host[:port], without a path',
      parseBaseUrl,
    ),
    hosts: setting(
      'BOOTWRIGHT_ADMIN_HOSTS',
      '',
      'Host names of admin HTTP, besides localhost, IP addresses, the name of this computer and that of BOOTWRIGHT_ADMIN_URL',
      'comma-separated host names',
      parseHosts,
    ),
    plainHttp: yesNo(
      'BOOTWRIGHT_ADMIN_PLAIN_HTTP',
      'no',
      'Permission to sign in over unencrypted HTTP from other computers: anyone on the way can read the session',
    ),
  },
  oidc: {
    issuer: optional(
      'BOOTWRIGHT_OIDC_ISSUER',
      'Issuer of the OpenID provider at which people sign in, beside the sign-in with a password',
      'an https URL, exactly as the provider writes its issuer',
      parseIssuer,
    ),
    clientId: optional('BOOTWRIGHT_OIDC_CLIENT_ID', 'Client id of Bootwright at the provider', 'a client id', oneWord),
    clientSecret: secret(
      optional(
        'BOOTWRIGHT_OIDC_CLIENT_SECRET',
        'Client secret of Bootwright at the provider; none for a public client',
        'a client secret',
        oneWord,
      ),
    ),
    roles: setting(
      'BOOTWRIGHT_OIDC_ROLES',
      '',
      'Groups at the provider and their roles here. A person in none of them cannot sign in',
      'comma-separated group=role such as admins=admin,ops=operator; roles: viewer, operator, admin',
      (text) => (text === '' ? {} : parseGroupRoles(text)),
    ),
    scopes: setting(
      'BOOTWRIGHT_OIDC_SCOPES',
      'openid profile email groups',
      'Scopes that Bootwright requests from the provider',
      'scopes with spaces between them, openid among them',
      parseScopes,
    ),
    groupClaim: setting(
      'BOOTWRIGHT_OIDC_GROUP_CLAIM',
      'groups',
      'Claim with the groups of a person; dots lead into a claim, as in realm_access.roles',
      'the name of a claim',
      oneWord,
    ),
    nameClaim: setting(
      'BOOTWRIGHT_OIDC_NAME_CLAIM',
      'preferred_username',
      'Claim with the name of a person; if it is missing, the e-mail address, or else the subject',
      'the name of a claim',
      oneWord,
    ),
    label: setting(
      'BOOTWRIGHT_OIDC_LABEL',
      'Sign in with OpenID Connect',
      'Text of the button that leads to the provider',
      '1 to 64 printable characters',
      matching(/^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u),
    ),
  },
  sessions: {
    idleHours: whole(
      'BOOTWRIGHT_SESSION_IDLE_HOURS',
      12,
      { min: 1, max: 8760 },
      'Hours without use after which a signed-in browser must sign in again',
    ),
    maxDays: whole(
      'BOOTWRIGHT_SESSION_DAYS',
      7,
      { min: 1, max: 365 },
      'Days after which a signed-in browser must sign in again, in use or not',
    ),
  },
  site: {
    name: optional(
      'BOOTWRIGHT_SITE_NAME',
      'Name of this site, in the header of every page',
      '1 to 64 printable characters',
      matching(/^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u),
    ),
  },
  metrics: {
    subnets: addresses(
      'BOOTWRIGHT_METRICS_SUBNETS',
      'Addresses and subnets that may read /metrics of admin HTTP without a token; empty for none',
    ),
    maxImages: whole(
      'BOOTWRIGHT_METRICS_IMAGES',
      50,
      { min: 0, max: 1000 },
      'Images with metrics of their own: those that booted last; 0 for none',
    ),
  },
  tftp: {
    listen: setting(
      'BOOTWRIGHT_TFTP_LISTEN',
      '0.0.0.0:69',
      'Address and port of TFTP, for firmware; or off',
      'host:port, or off',
      (text, given) => (text === 'off' ? text : parseListen(text, given)),
    ),
    maxBlockSize: whole(
      'BOOTWRIGHT_TFTP_BLOCK_SIZE',
      1468,
      { min: 512, max: 65_464 },
      'Maximum TFTP block size, bytes',
    ),
    maxWindowSize: whole(
      'BOOTWRIGHT_TFTP_WINDOW_SIZE',
      16,
      { min: 1, max: 65_535 },
      'Maximum TFTP window size, blocks',
    ),
    maxTransfers: whole(
      'BOOTWRIGHT_TFTP_MAX_TRANSFERS',
      1000,
      { min: 1, max: 20_000 },
      'Maximum concurrent TFTP transfers',
    ),
    maxTransfersPerAddress: whole(
      'BOOTWRIGHT_TFTP_MAX_TRANSFERS_PER_ADDRESS',
      16,
      { min: 1, max: 20_000 },
      'Maximum concurrent TFTP transfers per address',
    ),
    singlePort: yesNo(
      'BOOTWRIGHT_TFTP_SINGLE_PORT',
      'no',
      'Whether TFTP answers from its listening port, for clients behind NAT',
    ),
  },
  proxyDhcp: {
    interfaces: setting(
      'BOOTWRIGHT_PROXY_DHCP',
      '',
      'Network interfaces on which proxyDHCP answers firmware, beside the DHCP server of the network; empty for none',
      'comma-separated names of interfaces such as eth0',
      parseInterfaces,
    ),
    mode: choice(
      'BOOTWRIGHT_PROXY_MODE',
      'binl',
      proxyModes,
      'Kind of the proxyDHCP answers to UEFI, where no machine, group or subnet has its own',
    ),
    subnetModes: setting(
      'BOOTWRIGHT_PROXY_SUBNET_MODES',
      '',
      'Kind of the proxyDHCP answers to UEFI, by subnet',
      `comma-separated subnet=mode such as 10.1.0.0/16=pxe10; modes: ${proxyModes.join(', ')}`,
      parseSubnetModes,
    ),
    delayMs: whole(
      'BOOTWRIGHT_PROXY_DELAY_MS',
      0,
      { min: 0, max: 5000 },
      'Delay of proxyDHCP offers, milliseconds; a second boot server that waits gives the first one priority',
    ),
    subnets: subnets('BOOTWRIGHT_PROXY_SUBNETS', 'Subnets whose clients get proxyDHCP answers; empty for all'),
    deniedSubnets: subnets('BOOTWRIGHT_PROXY_DENY_SUBNETS', 'Subnets whose clients get no proxyDHCP answers'),
    macs: macPrefixes('BOOTWRIGHT_PROXY_MACS', 'MACs whose machines get proxyDHCP answers; empty for all'),
    deniedMacs: macPrefixes('BOOTWRIGHT_PROXY_DENY_MACS', 'MACs whose machines get no proxyDHCP answers'),
    knownOnly: yesNo(
      'BOOTWRIGHT_PROXY_KNOWN_ONLY',
      'no',
      'Whether only machines that an operator entered get proxyDHCP answers',
    ),
    watchOnly: yesNo(
      'BOOTWRIGHT_PROXY_WATCH_ONLY',
      'no',
      'Whether proxyDHCP only records the clients and servers that it sees, and answers none',
    ),
  },
  secrets: {
    key: secret(optional('BOOTWRIGHT_SECRET_KEY', 'Key that encrypts secrets', '64 hexadecimal digits', parseKey)),
    keyFile: optional(
      'BOOTWRIGHT_SECRET_KEY_FILE',
      'File with the key that encrypts secrets, instead of secret.key in the data folder',
      'a file',
      anyText,
    ),
    forgetKey: optional(
      'BOOTWRIGHT_FORGET_KEY',
      'Id of a lost secret key; at startup Bootwright deletes all secrets and webhooks that only this key can decrypt',
      '8 hexadecimal digits',
      matching(/^[0-9a-f]{8}$/),
    ),
  },
  answers: {
    toAnyAddress: yesNo(
      'BOOTWRIGHT_ANSWERS_TO_ANY_ADDRESS',
      'no',
      'Whether any address that presents the token of a boot may fetch its answer file',
    ),
    subnets: subnets(
      'BOOTWRIGHT_ANSWER_SUBNETS',
      'Subnets whose addresses may fetch an answer file with the token of its boot',
    ),
  },
  discovery: {
    maxMachines: whole(
      'BOOTWRIGHT_MAX_DISCOVERED',
      10_000,
      { min: 0, max: 10_000_000 },
      'Maximum discovered machines; the least recently seen are deleted first',
    ),
    maxPerAddress: whole(
      'BOOTWRIGHT_MAX_DISCOVERED_PER_ADDRESS',
      256,
      { min: 1, max: 10_000_000 },
      'Maximum discovered machines per IPv4 address or IPv6 /64; also the maximum burst of recorded boots of such machines',
    ),
    keepDays: whole(
      'BOOTWRIGHT_KEEP_DISCOVERED_DAYS',
      30,
      days,
      'Days to keep a discovered machine after it was last seen',
    ),
  },
  journal: {
    maxBytes: whole(
      'BOOTWRIGHT_JOURNAL_BYTES',
      1_073_741_824,
      { min: 2 ** 20, max: 2 ** 40 },
      'Maximum size of boots, events and reports that wait in the data folder for the database, bytes',
    ),
  },
  history: {
    keepBootsDays: whole('BOOTWRIGHT_KEEP_BOOTS_DAYS', 90, days, 'Days to keep boot records'),
    maxBoots: whole(
      'BOOTWRIGHT_KEEP_BOOTS',
      1_000_000,
      { min: 1, max: 1_000_000_000 },
      'Maximum boot records; the newest are kept',
    ),
    keepArchivedDays: whole(
      'BOOTWRIGHT_KEEP_ARCHIVED_DAYS',
      90,
      days,
      'Days to keep an archived machine, which can be restored until then',
    ),
    keepRolloutsDays: whole(
      'BOOTWRIGHT_KEEP_ROLLOUTS_DAYS',
      365,
      days,
      'Days to keep ended rollouts, with the states of their machines',
    ),
    keepChangesDays: whole('BOOTWRIGHT_KEEP_CHANGES_DAYS', 365, days, 'Days to keep the audit log'),
  },
  files: {
    maxBytes: whole('BOOTWRIGHT_MAX_FILE_BYTES', 34_359_738_368, bytes, 'Maximum size of an uploaded file, bytes'),
    verifyDays: whole(
      'BOOTWRIGHT_VERIFY_DAYS',
      7,
      { min: 0, max: 3650 },
      'Days between two verifications of a stored file; 0 to disable them',
    ),
    newStore: yesNo(
      'BOOTWRIGHT_NEW_STORE',
      'no',
      "Permission to make this server's store of image files the store of the database, instead of another store",
    ),
  },
  s3: {
    place: optional(
      'BOOTWRIGHT_S3_URL',
      'Object store for image files, instead of the data folder',
      'https://host[:port]/bucket[/prefix]',
      parseBucketUrl,
    ),
    region: setting(
      'BOOTWRIGHT_S3_REGION',
      'us-east-1',
      'Region of the object store',
      'the name of a region',
      matching(/^[A-Za-z0-9_-]{1,64}$/),
    ),
    accessKey: optional(
      'BOOTWRIGHT_S3_ACCESS_KEY',
      'Access key of the object store',
      'the access key of the object store',
      oneWord,
    ),
    secretKey: secret(
      optional(
        'BOOTWRIGHT_S3_SECRET_KEY',
        'Secret key of the object store',
        'the secret key of the object store',
        oneWord,
      ),
    ),
    redirect: yesNo(
      'BOOTWRIGHT_S3_REDIRECT',
      'no',
      'Whether machines download files directly from the object store, by signed URLs',
    ),
  },
  power: {
    atOnce: whole(
      'BOOTWRIGHT_POWER_AT_ONCE',
      4,
      { min: 1, max: 256 },
      'Maximum number of machines whose power changes at the same time, on all servers of the database together',
    ),
    bmcSubnets: addresses(
      'BOOTWRIGHT_BMC_SUBNETS',
      'Subnets of BMCs; if set, Bootwright connects to no BMC elsewhere. If unset, to any address but loopback and link-local',
    ),
  },
  sending: {
    maxTransfers: whole('BOOTWRIGHT_MAX_TRANSFERS', 2000, { min: 1, max: 1_000_000 }, 'Maximum concurrent downloads'),
    maxBytesPerSecond: optionalWhole(
      'BOOTWRIGHT_MAX_BYTES_PER_SECOND',
      { min: 65_536, max: 2 ** 50 },
      'Maximum speed of all downloads together, bytes per second',
    ),
    cacheBytes: whole(
      'BOOTWRIGHT_FILE_CACHE_BYTES',
      134_217_728,
      { min: 2 ** 20, max: 2 ** 50 },
      'Memory to cache parts of files during downloads, bytes',
    ),
    sendfile: yesNo(
      'BOOTWRIGHT_SENDFILE',
      'yes',
      'Whether the kernel sends files from its page cache, without a copy in memory',
    ),
    listen: optional(
      'BOOTWRIGHT_FILE_LISTEN',
      'Address and port of file HTTP, a listener for image files; if unset, boot HTTP sends them',
      'host:port',
      (text) => parseListen(text, true),
    ),
    url: optional(
      'BOOTWRIGHT_FILE_URL',
      'URL at which machines reach file HTTP, behind a proxy or by a name of its own',
      'http://host[:port] or https://host[:port], without a path',
      parseBaseUrl,
    ),
    workers: whole(
      'BOOTWRIGHT_FILE_WORKERS',
      0,
      { min: 0, max: 64 },
      'Processes of file HTTP that send files from the data folder, apart from the server',
    ),
  },
  imports: {
    maxConcurrent: whole('BOOTWRIGHT_IMPORTS_AT_ONCE', 2, { min: 1, max: 100 }, 'Maximum concurrent imports of images'),
    stallSeconds: whole(
      'BOOTWRIGHT_DOWNLOAD_STALL_SECONDS',
      60,
      { min: 1, max: 3600 },
      'Seconds without data after which a download is retried',
    ),
    minBytesPerSecond: whole(
      'BOOTWRIGHT_DOWNLOAD_MIN_BYTES_PER_SECOND',
      1024,
      { min: 0, max: 1_000_000_000 },
      'Minimum average speed of a download in BOOTWRIGHT_DOWNLOAD_STALL_SECONDS, bytes per second; 0 to disable it',
    ),
    keepPartsDays: whole('BOOTWRIGHT_KEEP_PARTS_DAYS', 7, days, 'Days to keep incomplete downloads and uploads'),
    mirrors: setting(
      'BOOTWRIGHT_MIRRORS',
      '',
      'Mirrors that recipes download from, by distribution',
      'comma-separated name=http://host/path',
      parseMirrors,
    ),
    httpProxy: secret(
      shared(setting('HTTP_PROXY', '', 'Proxy for http URLs of imports', 'http://host:port', parseProxy)),
    ),
    httpsProxy: secret(
      shared(setting('HTTPS_PROXY', '', 'Proxy for https URLs of imports', 'http://host:port', parseProxy)),
    ),
    noProxy: shared(
      setting(
        'NO_PROXY',
        '',
        'Hosts and domains that need no proxy; * for all',
        'comma-separated hosts',
        (text) => text,
      ),
    ),
  },
  log: {
    level: choice('BOOTWRIGHT_LOG_LEVEL', 'info', logLevels, 'Lowest level of log lines'),
    levelNames: yesNo(
      'BOOTWRIGHT_LOG_LEVEL_NAMES',
      'no',
      'Whether JSON log lines contain the name of their level ("warn") instead of its number (40)',
    ),
  },
}
