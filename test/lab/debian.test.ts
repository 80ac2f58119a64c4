import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mirrorHost, startDebianMirror } from '../../scripts/lab/debian-mirror.ts'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { piece } from '../../scripts/lab/pieces.ts'
import type { Running } from '../../scripts/lab/process.ts'
import { loadRecipes } from '../../src/intake/recipes.ts'
import type { BootRecord } from './lab-tests.ts'
import { describeWholeLab } from './lab-tests.ts'

/** Ten times what it takes on an idle machine. */
const installTimeoutMs = 900_000
const diskLine = 'the installed disk runs'
/** What the installer's text frontend prints when it waits for somebody at the console. */
const question = /\[Press enter to continue\]|Prompt: |!! ERROR/

describeWholeLab("Debian's installer", () => {
  let lab: Lab
  let mirror: Running
  beforeAll(async () => {
    lab = await openLab()
    mirror = await startDebianMirror(lab.net, lab.workDir, diskLine)
    await addInstaller(lab)
    const text = await readFile(new URL('../../docs/answer-files/debian-preseed.cfg', import.meta.url), 'utf8')
    await lab.server.api('PUT', '/answer-files/debian-12', { documents: [{ name: 'preseed.cfg', text }] })
  })
  afterAll(async () => {
    await mirror?.stop()
    await lab?.close()
  })

  test('asks nothing, also where DHCP names our URL to everybody, writes its disk, reports, and starts from it', {
    timeout: installTimeoutMs + 30_000,
  }, async () => {
    const mac = '52:54:00:6c:06:21'
    const usbDisk = join(lab.workDir, 'usb.img')
    await writeFile(usbDisk, '')
    await truncate(usbDisk, 32 * 2 ** 20)
    await lab.server.api('PUT', `/machines/${mac}`, { hostname: 'first', assignment: { local: true } })
    await lab.server.api('PUT', `/machines/${mac}/secrets/root_password_hash`, { value: '$6$salt$hash' })
    const { id } = (await lab.server.api('POST', '/deployments', {
      machine: mac,
      image: 'debian-12',
      answerFile: 'debian-12',
      params: {
        disk: '/dev/sda',
        ssh_authorized_keys: ['ssh-ed25519 AAAA root@admin'],
        mirror_host: mirrorHost,
        apt_services: [],
      },
    })) as { id: string }
    const machine = { firmware: 'pcbios-x86_64' as const, mac, usbDisk, reboots: true, memoryMb: 1536 }
    const { console, powerOff } = await lab.powerOn(
      { ...machine, lifetimeMs: installTimeoutMs },
      bootRules.urlForEverybody,
    )
    try {
      await console.waitFor(new RegExp(`${diskLine}|${question.source}`), installTimeoutMs)
      expect(console.text(), console.lastLines(40)).not.toMatch(question)
      expect(console.text()).toContain("lab: root's keys: ssh-ed25519 AAAA root@admin")
    } finally {
      await powerOff()
    }
    expect(await lab.server.api('GET', `/deployments/${id}`)).toMatchObject({ state: 'installed', attempts: 1 })
    const { items } = (await lab.server.api('GET', `/boots?deployment=${id}`)) as { items: { id: string }[] }
    const boot = (await lab.server.api('GET', `/boots/${items[0]?.id}`)) as BootRecord
    expect(boot.events.map(({ stage }) => stage)).toEqual(
      expect.arrayContaining(['script', 'kernel', 'initrd', 'ready', 'answer-file', 'installing', 'installed']),
    )
    expect(boot.events.find(({ stage }) => stage === 'answer-file')?.message).toBe('preseed.cfg')
    expect([boot.outcome, items.length]).toEqual(['installed', 1])
  })
})

/** The image as the recipe makes it, with the files from setup, and with the arguments for the lab's mirror and console. */
async function addInstaller(lab: Lab): Promise<void> {
  const { recipes } = await loadRecipes([new URL('../../recipes', import.meta.url).pathname])
  const recipe = recipes.get('debian-12')?.variants[0]
  if (recipe?.kind !== 'linux') throw new Error('the recipe debian-12 has no kernel')
  const add = async (name: string) => lab.addFile(name, await readFile(piece(`debian-installer/${name}`)))
  const own = ['debian-installer/allow_unauthenticated=true', 'DEBIAN_FRONTEND=text', 'console=ttyS0']
  const files = { kernel: await add('linux'), initrds: [await add('initrd.gz')] }
  const variants = [{ arch: 'x86_64', kind: 'linux', ...files, args: [...recipe.args, ...own] }]
  await lab.server.api('PUT', '/images/debian-12', { variants })
}
