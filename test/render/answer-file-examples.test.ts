import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { checkAnswers, renderAnswers } from '../../src/render/answers.ts'
import type { Names } from '../../src/render/names.ts'

const hash = '$6$rounds=4096$salt$Zm9v/bar.baz'
const key = 'ssh-ed25519 AAAAC3Nza root@admin'
const url = 'http://10.0.0.1:8080/b/token'
const names: Names = {
  machine: {
    id: '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f',
    name: 'web1.example.org',
    hostname: 'web1.example.org',
    mac: '52:54:00:12:34:56',
    arch: 'x86_64',
    platform: 'efi',
    labels: {},
  },
  image: { name: 'some-os', version: 3 },
  params: {
    disk: '/dev/sda',
    ssh_authorized_keys: [key, 'ssh-rsa BBBB second'],
    packages: ['vim', 'tmux'],
    repo: 'http://mirror.example.org/almalinux/9',
    windows_edition: 'Windows Server 2022 <Core> & "more"',
  },
  boot: {
    id: '0190d3f2-7c1a-7b5e-9f00-000000000000',
    url,
    server: 'http://10.0.0.1:8080',
    answer_url: `${url}/answer/first`,
    nocloud_url: `${url}/nocloud/`,
    instance_id: '0190d3f2-7c1a-7b5e-9f00-111111111111',
  },
  secrets: {
    root_password_hash: hash,
    user_password_hash: hash,
    administrator_password: 'p<w&"\'>%',
    windows_product_key: 'AAAAA-BBBBB',
  },
}

const examples = [
  'debian-preseed.cfg',
  'rhel-kickstart.cfg',
  'ubuntu-autoinstall/user-data',
  'ubuntu-autoinstall/meta-data',
  'ubuntu-autoinstall/vendor-data',
  'ubuntu-autoinstall/network-config',
  'flatcar-ignition.json',
  'fedora-coreos-ignition.json',
  'windows-autounattend.xml',
]

function documentOf(example: string) {
  const text = readFileSync(new URL(`../../docs/answer-files/${example}`, import.meta.url), 'utf8')
  return { name: example.replace(/.*\//, ''), mediaType: 'text/plain', text }
}

const render = (example: string, with_: Names = names) => renderAnswers([documentOf(example)], with_)[0]?.text as string

/** The names with some of their params or secrets replaced; an undefined one is taken away. */
function changed(of: 'params' | 'secrets', change: Record<string, unknown>): Names {
  const values = Object.entries({ ...names[of], ...change }).filter(([, value]) => value !== undefined)
  return { ...names, [of]: Object.fromEntries(values) }
}

describe('an example answer file', () => {
  test.each(examples)('%s can be saved: it uses only names that boots have', (example) => {
    expect(() => checkAnswers([documentOf(example)])).not.toThrow()
  })

  test.each([
    ['debian-preseed.cfg', 'params', 'disk'],
    ['debian-preseed.cfg', 'params', 'ssh_authorized_keys'],
    ['debian-preseed.cfg', 'secrets', 'root_password_hash'],
    ['rhel-kickstart.cfg', 'params', 'disk'],
    ['rhel-kickstart.cfg', 'params', 'repo'],
    ['rhel-kickstart.cfg', 'secrets', 'root_password_hash'],
    ['ubuntu-autoinstall/user-data', 'params', 'disk'],
    ['ubuntu-autoinstall/user-data', 'params', 'ssh_authorized_keys'],
    ['ubuntu-autoinstall/user-data', 'secrets', 'user_password_hash'],
    ['flatcar-ignition.json', 'params', 'disk'],
    ['flatcar-ignition.json', 'secrets', 'user_password_hash'],
    ['fedora-coreos-ignition.json', 'params', 'disk'],
    ['fedora-coreos-ignition.json', 'secrets', 'user_password_hash'],
    ['windows-autounattend.xml', 'params', 'windows_edition'],
    ['windows-autounattend.xml', 'secrets', 'administrator_password'],
  ] as const)('%s names what it misses: %s.%s', (example, of, name) => {
    expect(() => render(example, changed(of, { [name]: undefined }))).toThrow(`${of}.${name} is not set`)
  })

  test.each(examples)('%s leaves no Liquid behind', (example) => {
    expect(render(example)).not.toMatch(/\{\{|\}\}|\{%|%\}/)
  })
})

/** The shell command of a preseed file, in one line. */
function commandOf(preseed: string, which: 'early' | 'late'): string {
  const command = new RegExp(`${which}_command string ((?:.*\\\\\n)+.*)`).exec(preseed)?.[1]
  return command?.replaceAll('\\\n', '').replace(/ +/g, ' ').trim() ?? ''
}

describe('debian-preseed.cfg', () => {
  // debconf is an essential part of Debian; elsewhere there is nothing to ask.
  test.skipIf(!existsSync('/usr/bin/debconf-set-selections'))('is one that debconf takes', () => {
    for (const with_ of [names, changed('params', { packages: undefined, http_proxy: 'http://proxy:3128' })]) {
      const checked = spawnSync('debconf-set-selections', ['--checkonly'], {
        input: render('debian-preseed.cfg', with_),
        encoding: 'utf8',
      })
      expect([checked.status, checked.stderr]).toEqual([0, ''])
    }
  })

  test('has the password, the disk, every key, and the reports', () => {
    const text = render('debian-preseed.cfg')
    expect(text).toContain(`d-i passwd/root-password-crypted password ${hash}\n`)
    expect(text).toContain('d-i partman-auto/disk string /dev/sda\n')
    expect(text).toContain('d-i netcfg/hostname string web1.example.org\n')
    expect(text).toContain('d-i pkgsel/include string ca-certificates vim tmux\n')
    const late = commandOf(text, 'late')
    expect(spawnSync('sh', ['-n'], { input: late, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
    expect(late.match(/echo '.*?'/g)).toEqual([`echo '${key}'`, "echo 'ssh-rsa BBBB second'"])
    expect(late).toContain(`until wget -q -T 30 -O /dev/null "${url}/installed"; do`)
  })

  test('begins with a report, and then reports the last line of the log from the background', () => {
    const early = commandOf(render('debian-preseed.cfg'), 'early')
    expect(spawnSync('sh', ['-n'], { input: early, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
    expect(early).toMatch(new RegExp(`^wget -q -O /dev/null "${url}/installing"; `))
    expect(early).toContain(`"${url}/progress?message=$step"`)
    expect(early).toMatch(/done < \/dev\/null > \/dev\/null 2>&1 3>&- &$/)
  })

  test('answers language and keyboard, and what it cannot ask without internet access', () => {
    const ours = {
      locale: 'de_DE.UTF-8',
      keymap: 'de',
      apt_services: [],
      security_host: 'mirror.local',
      tasks: ['web-server'],
    }
    expect(render('debian-preseed.cfg', changed('params', ours)).split('\n')).toEqual(
      expect.arrayContaining([
        'd-i debian-installer/locale string de_DE.UTF-8',
        'd-i keyboard-configuration/xkb-keymap select de',
        'd-i apt-setup/services-select multiselect ',
        'd-i apt-setup/security_host string mirror.local',
        'tasksel tasksel/first multiselect web-server',
      ]),
    )
    expect(render('debian-preseed.cfg').split('\n')).toEqual(
      expect.arrayContaining([
        'd-i debian-installer/locale string en_US.UTF-8',
        'd-i keyboard-configuration/xkb-keymap select us',
        'd-i apt-setup/services-select multiselect security, updates',
        'tasksel tasksel/first multiselect standard, ssh-server',
      ]),
    )
  })

  test('takes a key whose comment has a quote', () => {
    const late = commandOf(
      render('debian-preseed.cfg', changed('params', { ssh_authorized_keys: ["ssh-rsa C Bob's"] })),
      'late',
    )
    expect(spawnSync('sh', ['-n'], { input: late, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
    expect(late).toContain("echo 'ssh-rsa C Bobs'")
  })
})

describe('rhel-kickstart.cfg', () => {
  /** The commands before the first section, and each section's shell script. */
  function partsOf(text: string) {
    const sections = [...text.matchAll(/^%(\w+)[^\n]*\n([\s\S]*?)^%end$/gm)]
    return {
      commands: text.slice(0, sections[0]?.index).split('\n'),
      sections: Object.fromEntries(sections.map(([, name = '', body = '']) => [name, body])),
    }
  }

  test('installs on one disk, with the password, every key and the packages', () => {
    const { commands, sections } = partsOf(render('rhel-kickstart.cfg'))
    expect(commands).toContain('text --non-interactive')
    expect(commands).toContain('ignoredisk --only-use=/dev/sda')
    expect(commands).toContain(`rootpw --iscrypted ${hash}`)
    expect(commands.filter((line) => line.startsWith('sshkey'))).toEqual([
      `sshkey --username=root "${key}"`,
      'sshkey --username=root "ssh-rsa BBBB second"',
    ])
    expect(commands).toContain('url --url="http://mirror.example.org/almalinux/9/BaseOS/x86_64/os"')
    expect(commands).toContain(
      'network --bootproto=dhcp --device=52:54:00:12:34:56 --activate --onboot=yes --hostname=web1.example.org',
    )
    expect(sections.packages?.trim().split('\n')).toEqual(['@^minimal-environment', 'chrony', 'vim', 'tmux'])
  })

  test('calls arm64 as its mirrors do', () => {
    const arm64 = { ...names, machine: { ...names.machine, arch: 'arm64' } }
    expect(render('rhel-kickstart.cfg', arm64)).toContain('/9/BaseOS/aarch64/os"')
  })

  test('has scripts that a shell can read, and that report installing, installed and failed', () => {
    const { sections } = partsOf(render('rhel-kickstart.cfg'))
    for (const name of ['pre', 'onerror', 'post']) {
      expect(spawnSync('sh', ['-n'], { input: sections[name], encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      })
    }
    expect(sections.pre).toContain(`"${url}/installing"`)
    expect(sections.pre).toMatch(new RegExp(`"${url}/progress"\ndone < /dev/null > /dev/null 2>&1 &\n$`))
    expect(sections.onerror).toContain(`"${url}/failed"`)
    expect(sections.post).toMatch(new RegExp(`"${url}/installed"\\n$`))
  })
})

describe('ubuntu-autoinstall', () => {
  const yaml = (document: string, with_?: Names) => parseYaml(render(`ubuntu-autoinstall/${document}`, with_))

  test('has user-data that installs on one disk and reports', () => {
    const text = render('ubuntu-autoinstall/user-data')
    expect(text.split('\n')[0]).toBe('#cloud-config')
    const { autoinstall } = parseYaml(text)
    expect(autoinstall).toMatchObject({
      version: 1,
      identity: { hostname: 'web1.example.org', username: 'ubuntu', password: hash },
      ssh: { 'install-server': true, 'allow-pw': false, 'authorized-keys': [key, 'ssh-rsa BBBB second'] },
      storage: { layout: { name: 'lvm', match: { path: '/dev/sda' } } },
      network: { ethernets: { boot: { match: { macaddress: '52:54:00:12:34:56' }, dhcp4: true } } },
      packages: ['vim', 'tmux'],
      reporting: { bootwright: { type: 'webhook', endpoint: `${url}/progress` } },
    })
    expect(autoinstall).not.toHaveProperty('interactive-sections')
    expect(autoinstall['early-commands'].join()).toContain(`"${url}/installing"`)
    expect(autoinstall['late-commands'].at(-1)).toContain(`"${url}/installed"`)
    expect(autoinstall['error-commands'][0]).toContain(`"${url}/failed"`)
    for (const command of [...autoinstall['early-commands'], ...autoinstall['error-commands']])
      expect(spawnSync('sh', ['-n'], { input: command, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })

  test('takes a fixed address where one is set', () => {
    const fixed = { address: '10.0.0.5/24', gateway: '10.0.0.1', nameservers: ['10.0.0.2'] }
    expect(yaml('user-data', changed('params', fixed)).autoinstall.network.ethernets.boot).toEqual({
      match: { macaddress: '52:54:00:12:34:56' },
      addresses: ['10.0.0.5/24'],
      routes: [{ to: 'default', via: '10.0.0.1' }],
      nameservers: { addresses: ['10.0.0.2'] },
    })
  })

  test('has the three other documents of NoCloud', () => {
    expect(yaml('meta-data')).toEqual({
      'instance-id': '0190d3f2-7c1a-7b5e-9f00-111111111111',
      'local-hostname': 'web1.example.org',
    })
    expect(render('ubuntu-autoinstall/vendor-data').split('\n')[0]).toBe('#cloud-config')
    expect(yaml('vendor-data')).toEqual({ ssh_authorized_keys: [key, 'ssh-rsa BBBB second'] })
    expect(yaml('network-config')).toMatchObject({
      version: 2,
      ethernets: { boot: { match: { macaddress: '52:54:00:12:34:56' } } },
    })
  })
})

describe.each([
  ['flatcar-ignition.json', 'flatcar-install -d /dev/sda -C stable -i /opt/installed.json'],
  ['fedora-coreos-ignition.json', 'coreos-installer install /dev/sda --ignition-file /etc/installed.json'],
])('%s', (example, command) => {
  const contentOf = (file: { contents: { source: string } }) =>
    Buffer.from(file.contents.source.replace('data:;base64,', ''), 'base64').toString()

  test('carries the configuration of what it installs', () => {
    const [installed] = JSON.parse(render(example)).storage.files
    expect(command).toContain(installed.path)
    const inner = JSON.parse(contentOf(installed))
    expect(inner.passwd.users).toEqual([
      { name: 'core', passwordHash: hash, sshAuthorizedKeys: [key, 'ssh-rsa BBBB second'] },
    ])
    expect(contentOf(inner.storage.files[0])).toBe('web1.example.org')
  })

  test('installs by a script that bash can read, that its unit starts and that reports', () => {
    const { storage, systemd } = JSON.parse(render(example))
    const [, install] = storage.files
    const script = contentOf(install)
    expect(spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
    expect(script).toMatch(/^#!\/bin\/bash\n/)
    expect(script).toContain(`\n${command}\n`)
    expect(script).toContain(`"${url}/$1"`)
    expect(script).toMatch(/report installing.*\n[\s\S]*report progress [\s\S]*report installed\n/)
    const [unit] = systemd.units
    expect(unit.contents).toContain(`\nExecStart=${install.path}\n`)
    expect(script).toContain(`journalctl -u ${unit.name.replace('.service', '')} `)
  })
})

describe('windows-autounattend.xml', () => {
  test('is well-formed XML with any characters in its values', () => {
    const text = render('windows-autounattend.xml')
    expect(XMLValidator.validate(text)).toBe(true)
    const parser = new XMLParser({
      ignoreAttributes: false,
      htmlEntities: true,
      isArray: (name) => name === 'component',
    })
    type Element = Record<string, unknown>
    const component = (pass: string, name: string) =>
      parser
        .parse(text)
        .unattend.settings.find((one: Element) => one['@_pass'] === pass)
        .component.find((one: Element) => one['@_name'] === name)
    const setup = component('windowsPE', 'Microsoft-Windows-Setup')
    expect(setup.ImageInstall.OSImage.InstallFrom.MetaData.Value).toBe('Windows Server 2022 <Core> & "more"')
    expect(setup.UserData.ProductKey.Key).toBe('AAAAA-BBBBB')
    expect(setup.RunSynchronous.RunSynchronousCommand.Path).toContain(`${url}/installing`)
    const oobe = component('oobeSystem', 'Microsoft-Windows-Shell-Setup')
    expect(oobe.UserAccounts.AdministratorPassword.Value).toBe('p<w&"\'>%')
    expect(oobe.UserAccounts.LocalAccounts.LocalAccount).toMatchObject({ Name: 'admin', Group: 'Administrators' })
    // Windows asks for these at its first start unless they are in this pass.
    expect(component('oobeSystem', 'Microsoft-Windows-International-Core')).toMatchObject({ UILanguage: 'en-US' })
    expect(component('specialize', 'Microsoft-Windows-Shell-Setup').ComputerName).toBe('web1')
    const deployment = component('specialize', 'Microsoft-Windows-Deployment')
    expect(deployment.RunSynchronous.RunSynchronousCommand.Path).toContain(`${url}/installed`)
  })

  test('needs no product key', () => {
    const text = render('windows-autounattend.xml', changed('secrets', { windows_product_key: undefined }))
    expect(text).not.toContain('<Key>AAAAA')
    expect(text).toContain('<WillShowUI>OnError</WillShowUI>')
  })
})
