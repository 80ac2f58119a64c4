import { describe, expect, test } from 'vitest'
import { explainCode, failureOf } from '../../../src/model/codes/explain.ts'
import { ipxeAdvice, parseIpxeCode } from '../../../src/model/codes/ipxe.ts'
import { biosAdvice, biosRanges } from '../../../src/model/codes/pxe-bios.ts'
import { uefiAdvice } from '../../../src/model/codes/pxe-uefi.ts'
import { textRows } from '../../../src/model/codes/texts.ts'

const titlesOf = (...input: Parameters<typeof explainCode>) => explainCode(...input).map(({ title }) => title)

describe('a code of iPXE', () => {
  // The codes and texts are from consoles of iPXE 1.0.0+ and 1.21.1+.
  test.each([
    ['2d0c613b', 'ENOENT', 'Not found', 'net/tcp/httpcore.c', 0x3b],
    ['3e11628e', 'ENXIO', 'No DNS servers available', 'net/udp/dns.c', 0x8e],
    ['040ee119', 'EADDRNOTAVAIL', 'No configuration methods succeeded', 'usr/ifmgmt.c', 0x19],
    ['0216eb3c', 'EACCES', 'No usable certificates', 'crypto/x509.c', 0x3c],
    ['7f048199', 'EPLATFORM', 'Could not load image', 'image/efi_image.c', 0x99],
    ['420c6001', 'EPIPE', 'Broken pipe', 'net/tcp/httpcore.c', 1],
  ])('%s is %s, "%s" in %s', (digits, errorName, text, file, status) => {
    expect(parseIpxeCode(digits)).toMatchObject({ prefix: digits.slice(0, 6), errorName, text, file, status })
  })

  test('has one meaning with six and eight digits, in any case, and as a URL', () => {
    const forms = ['2d0c61', '2D0C613B', '0x2d0c613b', 'http://ipxe.org/2d0c613b', 'https://ipxe.org/2D0C61']
    expect(new Set(forms.flatMap((form) => titlesOf(form)))).toEqual(new Set(['HTTP 404: no such file on the server']))
  })

  test('that no table has is decoded in its parts', () => {
    expect(parseIpxeCode('50ffff')).toEqual({ prefix: '50ffff', text: 'error 50', file: 'file 7ff' })
    expect(explainCode('1c664001')[0]).toMatchObject({
      title: 'Invalid argument, in drivers/net/myson.c',
      meaning: 'iPXE reports "Invalid argument". The error comes from the driver of a network card.',
    })
  })

  test('names the status of the platform, for both if the platform is unknown', () => {
    const last = (digits: string, firmware?: 'bios' | 'uefi') => explainCode(digits, firmware)[0]?.details?.at(-1)
    expect(last('4c0a6092')).toBe('last digits 92: UEFI status EFI_TIMEOUT, or BIOS status PXE-E92')
    expect(last('4c0a6092', 'uefi')).toBe('last digits 92: UEFI status EFI_TIMEOUT')
    expect(last('4c0a6035', 'bios')).toBe('last digits 35: BIOS status PXE-E35')
    expect(last('7f04829a')).toBe('last digits 9a: UEFI status EFI_SECURITY_VIOLATION')
  })
})

describe('a PXE code', () => {
  test('has one explanation for BIOS and one for UEFI, because they differ', () => {
    expect(explainCode('PXE-E21').map(({ firmware, title }) => [firmware, title])).toEqual([
      ['bios', 'ROM: boot integrity services failed'],
      ['uefi', 'cancelled'],
    ])
    expect(titlesOf('PXE-E21', 'uefi')).toEqual(['cancelled'])
  })

  test.each(['pxe-e16', 'E16', 'PXE E16', 'PXE-E16: No valid offer received.'])('is found in "%s"', (text) => {
    expect(titlesOf(text)).toEqual(['DHCP: offers came, none named a boot file'])
  })

  test('that no table has is unknown', () => {
    expect(titlesOf('PXE-EF7')).toEqual(['a code that is not in the tables'])
  })

  test.each(['E00', 'E0A', 'E20', 'E28', 'E63', 'E89', 'EC8', 'M0F', 'T01', 'T04'])(
    '%s of a BIOS is in the tables',
    (number) => {
      expect(explainCode(`PXE-${number}`, 'bios')[0]?.source).toBe('pxe-bios')
    },
  )
})

describe('a text of a console', () => {
  test('may have several codes, each explained once, in the order of the text', () => {
    const text = `>>Start PXE over IPv4.
  PXE-E18: Server response timeout.
http://10.0.0.1/boot.ipxe... Connection reset (https://ipxe.org/0f0a6095)
http://10.0.0.1/boot.ipxe... Connection reset (https://ipxe.org/0f0a6095)`
    expect(explainCode(text).map(({ code }) => code)).toEqual(['PXE-E18', '0f0a6095'])
  })

  test.each(textRows.map((row) => [row.message, row.code]))('"%s" is %s', (message, code) => {
    if (code === 'firmware-refused') return
    expect(explainCode(`  Error: ${message}`).map((explanation) => explanation.code)).toEqual([code])
  })

  test('of shim that a revocation stopped is explained', () => {
    const text = 'Something has gone seriously wrong: SBAT self-check failed: Security Policy Violation'
    expect(titlesOf(text)).toEqual(['Secure Boot: this shim is revoked'])
  })

  test('without a code has no explanation', () => {
    expect(explainCode('Loading kernel from 10.0.0.1, 12345678 bytes')).toEqual([])
    expect(explainCode('')).toEqual([])
  })
})

test('a code of Bootwright has the words of its finding, and what firmware shows', () => {
  expect(explainCode('see bw-dhcp-no-offer')).toMatchObject([
    {
      code: 'BW-DHCP-NO-OFFER',
      source: 'bootwright',
      title: 'No DHCP server answered',
      details: expect.arrayContaining(['BIOS shows: PXE-E51: No DHCP or proxyDHCP offers were received']),
    },
  ])
  expect(explainCode('BW-NOTHING')).toEqual([])
})

test('the failure of a boot is explained by the code in its message', () => {
  expect(failureOf('iPXE: kernel failed, error 2d0c613b')?.title).toBe('HTTP 404: no such file on the server')
  expect(failureOf('kernel panic')).toBeUndefined()
  expect(failureOf(null)).toBeUndefined()
})

test('every title fits on a line of a console beside the stage that failed', () => {
  const rows = [
    ...Object.values(biosAdvice),
    ...biosRanges.map(([, , row]) => row),
    ...Object.values(uefiAdvice),
    ...textRows.map(({ advice }) => advice),
  ].map(([title]) => title)
  const titles = [...rows, ...[...ipxeAdvice.values()].map(({ title }) => title)]
  expect(titles.filter((title) => title.length > 60 || !/^[\x20-\x7e]+$/.test(title))).toEqual([])
})
