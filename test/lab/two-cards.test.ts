import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { piece } from '../../scripts/lab/pieces.ts'
import { loadRecipes } from '../../src/intake/recipes.ts'
import { type BootRecord, describeWholeLab } from './lab-tests.ts'

const installTimeoutMs = 600_000
/** Reports the MAC of the card that the installer configured. */
const preseed = `d-i preseed/early_command string \\
  card=$(ip route | sed -n 's/^default.* dev \\([^ ]*\\).*/\\1/p'); \\
  wget -q -O /dev/null "{{ boot.url }}/installing?message=card-$(cat /sys/class/net/$card/address)"; poweroff -f
`
const question = /\[Press enter to continue\]|Prompt: |!! ERROR/

describeWholeLab('a machine with two cards, the first of them a dead end', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
    const { recipes } = await loadRecipes([new URL('../../recipes', import.meta.url).pathname])
    const recipe = recipes.get('debian-12')?.variants[0]
    if (recipe?.kind !== 'linux') throw new Error('the recipe debian-12 has no kernel')
    const add = async (name: string) => lab.addFile(name, await readFile(piece(`debian-installer/${name}`)))
    const files = { kernel: await add('linux'), initrds: [await add('initrd.gz')] }
    const args = [...recipe.args, 'DEBIAN_FRONTEND=text', 'console=ttyS0']
    await lab.server.api('PUT', '/images/installer', { variants: [{ arch: 'x86_64', kind: 'linux', ...files, args }] })
    await lab.server.api('PUT', '/answer-files/card', { documents: [{ name: 'preseed.cfg', text: preseed }] })
  })
  afterAll(() => lab?.close())

  test("Debian's installer asks for its answers by the card that booted", {
    timeout: installTimeoutMs + 30_000,
  }, async () => {
    const mac = '52:54:00:6c:06:31'
    await lab.server.api('PUT', `/machines/${mac}`, { hostname: 'twocards' })
    await lab.server.api('POST', '/deployments', { machine: mac, image: 'installer', answerFile: 'card' })
    const machine = { firmware: 'pcbios-x86_64' as const, mac, deadEndMac: '52:54:00:6c:06:30', memoryMb: 1536 }
    const { console, powerOff } = await lab.powerOn(
      { ...machine, lifetimeMs: installTimeoutMs },
      bootRules.oneFileAndIpxe('undionly-from-rom.pxe'),
    )
    try {
      await Promise.race([console.ended, console.waitFor(question, installTimeoutMs)])
      expect(console.text(), console.lastLines(40)).not.toMatch(question)
    } finally {
      await powerOff()
    }
    const { items } = (await lab.server.api('GET', `/boots?machine=${mac}`)) as { items: { id: string }[] }
    const boot = (await lab.server.api('GET', `/boots/${items[0]?.id}`)) as BootRecord
    expect(boot.events.find(({ stage }) => stage === 'installing')?.message).toBe(`card-${mac}`)
  })
})
