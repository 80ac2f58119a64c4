import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fakeMachine, type SiteFiles } from '../../fakes/fake-site.ts'
import { startNginx, startTftpdHpa } from '../peers.ts'

/** The static texts that the baseline serves to every machine. */
export type StaticTexts = { bootstrap: string; script: string }

/** Fetches the texts of the baseline from a running Bootwright. The script is a preview, so no boot is opened. */
export async function takeTexts(port: number): Promise<StaticTexts> {
  const base = `http://127.0.0.1:${port}`
  const read = async (path: string) => (await fetch(`${base}${path}`)).text()
  const bootstrap = await read('/boot.ipxe')
  const mac = fakeMachine(0).mac.replaceAll(':', '-')
  const script = await read(`/ipxe?mac=${mac}&platform=efi&buildarch=x86_64&cpuarch=x86_64`)
  return { bootstrap, script: script.replaceAll(base, '{base}') }
}

/** Starts nginx with sendfile and tftpd-hpa, with the same files and texts for every machine; reports are answered with `ok`. */
export async function startBaseline(folder: string, { bootstrap, script }: StaticTexts, files: SiteFiles) {
  const root = join(folder, 'root')
  mkdirSync(join(root, 'tftp'), { recursive: true })
  writeFileSync(join(root, 'boot.ipxe'), bootstrap)
  writeFileSync(join(root, 'preseed.cfg'), 'd-i debian-installer/locale string en_US\n')
  writeFileSync(join(root, 'tftp/autoexec.ipxe'), bootstrap)
  copyFileSync('ipxe/nbp/ipxe.efi', join(root, 'tftp/ipxe.efi'))
  for (const [kind, path] of fileUrls(script)) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), kind === 'kernel' ? files.kernel : files.initrd)
  }
  const locations = `location = /ipxe { try_files /script.ipxe =404; }
    location ~ ^/b/.*/answer/ { try_files /preseed.cfg =404; }
    location /b/ { return 200 "ok\\n"; }`
  const nginx = await startNginx(folder, root, locations)
  writeFileSync(join(root, 'script.ipxe'), script.replaceAll('{base}', `http://127.0.0.1:${nginx.port}`))
  const tftpd = await startTftpdHpa(join(root, 'tftp'))
  return { nginx, tftpd, stop: () => Promise.all([nginx.stop(), tftpd.stop()]) }
}

/** The paths of kernel and initrd in a script: `kernel --name vmlinuz {base}/files/…?boot=… args`. */
function fileUrls(script: string): [kind: string, path: string][] {
  return [...script.matchAll(/^(kernel|initrd) .*?\{base\}([^\s?]+)/gm)].map(([, kind = '', path = '']) => [kind, path])
}
