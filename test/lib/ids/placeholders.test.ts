import { describe, expect, test } from 'vitest'
import { realValue } from '../../../src/lib/ids/placeholders.ts'
import { parseUuid } from '../../../src/lib/ids/uuid.ts'

const placeholders = `
To Be Filled By O.E.M.|to be  filled by o.e.m.|To be set by OEM|Default string|default text|Default|System Serial Number
Chassis Serial Number|Base Board Serial Number|BaseBoard Serial Number|System Product Name|System manufacturer|Product Name
None|NULL|nil|N/A|n.a.|Unknown|Unknow|Undefined|Unassigned|Uninitialized|not initialised|INVALID|Empty|empty string|TBD|OEM
Not Specified|Not Present|Not Available|NotAvailable|Not Applicable|Not Settable|Not provided|No Asset Tag|No Asset Information
SerNum01|SerialNumber|Serial Number|SERIAL|S/N|SN|OEM_Serial|System-Serial|Asset Tag|Asset-1234567890|Type1ProductConfigId|SKU
0|00000000|0x00000000|FFFFFFFF|xxxxxxx|XXXX-XXXX|CXXXXXXXXXXX|----|....|***|11111111|aaaa|00000001|-1
1|12|123|1234|12345678|0123456789|1234567890|01234567890123456789|9876543210|SYS-1234567890|MB-1234567890|SSN12345678901234567890
`
const real = `
5CG1234XYZ|PF0ABCDE|F00D|PowerEdge R640|10|42|0815|1000|1001|4711|S1|X1|S-1|LAB-1|SN&42 #7|X570 AORUS|VMware-56 4d 12|unit-7
Standard PC (Q35 + ICH9)|MXQ1234567|CZC1234567|2M2341|Mini-PC|ProLiant DL360|System x3650 M4|Product A|Latitude 5420|Model 3
Ä-17|ThinkSystem SR650|AB123456|NOTE123|Virtual Machine|KVM|SN8FF3|Serial 8843A|NUC7i5|R740|G5|ABCDEF|Notebook 7|Unity 5
`
const list = (text: string) => text.trim().split(/[|\n]/)

describe('a serial, product or asset', () => {
  test.each([...list(placeholders), '', ' '])('%j is a placeholder', (text) => {
    expect(realValue(text)).toBeUndefined()
    expect(realValue(` ${text.toUpperCase()} `)).toBeUndefined()
  })

  test.each(list(real))('%j is a real value', (text) => {
    expect(realValue(`  ${text} `)).toBe(text)
  })

  test.each(Array.from({ length: 35 }, (_, n) => n.toString(36)))('%j repeated is a placeholder', (character) => {
    for (const length of [2, 5, 8, 20]) expect(realValue(character.repeat(length))).toBeUndefined()
  })
})

describe('a UUID', () => {
  test.each([
    ...Array.from({ length: 16 }, (_, n) => '00000000-0000-0000-0000-000000000000'.replaceAll('0', n.toString(16))),
    ...[0x0a, 0x20, 0xab, 0xfe].map((byte) => byte.toString(16).padStart(2, '0').repeat(16)),
    '11111111-2222-3333-4444-555555555555',
    'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    '03000200-0400-0500-0006-000700080009',
    '00020003-0004-0005-0006-000700080009',
    '12345678-1234-5678-90AB-CDDEEFAABBCC',
    '12345678-1234-1234-1234-123456789abc',
    '01234567-89ab-cdef-0123-456789abcdef',
    '6ab5b300-538d-1014-9fb5-b0684d007b53',
    '00b3b56a-8d53-1410-9fb5-b0684d007b53',
    '00010203-0405-0607-0809-0a0b0c0d0e0f',
    '03020100-0504-0706-0809-0a0b0c0d0e0f',
    '00112233-4455-6677-8899-aabbccddeeff',
    '00000000-0000-0000-0000-000000000001',
    '00000000-0000-0000-0000-000000001234',
    '00000001-0000-0000-0000-000000000000',
    '01000000-0000-0000-0000-000000000000',
    'Not Settable',
    '4c4c4544-0042-3510-8054-b7c04f4e333',
    '',
  ])('%j does not identify a machine', (text) => {
    expect(parseUuid(text)).toBeUndefined()
  })

  test.each([
    '4c4c4544-0042-3510-8054-b7c04f4e3332',
    '00000000-0000-0000-0000-ac1f6b123456',
    '0f6a1d3e-2b4c-4d5e-8f90-a1b2c3d4e5f1',
    '37393031-3735-4d32-3234-333530313858',
  ])('%j identifies a machine, in any spelling', (uuid) => {
    for (const text of [uuid, uuid.toUpperCase(), uuid.replaceAll('-', ''), ` {${uuid}} `])
      expect(parseUuid(text)).toBe(uuid)
  })
})
