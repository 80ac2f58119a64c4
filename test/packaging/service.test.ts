import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { programDir } from '../../src/lib/program-dir.ts'

describe('packaging/bootwright.service', () => {
  const unit = readFileSync(join(programDir, 'packaging/bootwright.service'), 'utf8')
  const valuesOf = (key: string) =>
    [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '')

  test('sets only settings that exist, to values that the server accepts', () => {
    const env = Object.fromEntries(valuesOf('Environment').map((line) => line.split('=')))
    expect(loadConfig(env).data.folder).toBe('/var/lib/bootwright')
    expect(unit.match(/BOOTWRIGHT_\w+/g)).toEqual(Object.keys(env))
    expect(() => loadConfig({ ...env, BOOTWRIGHT_DATA_FOLDER: '/x' })).toThrow('BOOTWRIGHT_DATA_FOLDER')
  })

  test('keeps the data in the folder that systemd creates', () => {
    expect(valuesOf('StateDirectory')).toEqual(['bootwright'])
  })

  test('starts the program that package.json installs as bootwright', () => {
    const { bin } = JSON.parse(readFileSync(join(programDir, 'package.json'), 'utf8'))
    expect(valuesOf('ExecStart')).toEqual([`/usr/bin/node ${bin.bootwright} serve`])
  })
})
