import { describe, expect, test } from 'vitest'
import { optionCodes, pxeOptionCodes } from '../../../src/lib/dhcp/option-codes.ts'
import { formatDhcp, formatOptions } from '../../../src/lib/dhcp/packet.ts'
import { hasTool } from '../../helpers/needs.ts'
import { tsharkText } from '../../helpers/tshark.ts'
import { clientPacket, edk2Discover, optionsOf } from './packets.ts'

const read = (packet: Parameters<typeof formatDhcp>[0]) =>
  tsharkText([{ from: ['10.99.0.2', 67], to: ['255.255.255.255', 68], payload: formatDhcp(packet) }], 'dhcp')

describe.runIf(hasTool('tshark', 'tshark'))('Wireshark', () => {
  test('reads a DISCOVER that formatDhcp wrote', () => {
    const text = read(edk2Discover)
    expect(text).toContain('Message type: Boot Request (1)')
    expect(text).toContain('Client MAC address: 52:54:00:12:34:56')
    expect(text).toContain('Vendor class identifier: PXEClient:Arch:00007:UNDI:003000')
    expect(text).toContain('Client System Architecture: EFI x64 (7)')
    expect(text).toContain('Option: (255) End')
    expect(text).not.toMatch(/malformed/i)
  })

  test('reads an OFFER with sub-options, a long option and the relay’s option at the end', () => {
    const text = read(
      clientPacket({
        op: 2,
        siaddr: '10.99.0.2',
        file: 'undionly.kpxe',
        options: optionsOf([
          [optionCodes.messageType, [2]],
          [optionCodes.serverId, [10, 99, 0, 2]],
          [optionCodes.vendorClass, 'PXEClient'],
          [optionCodes.vendorOptions, formatOptions(optionsOf([[pxeOptionCodes.discoveryControl, [8]]]))],
          [optionCodes.bootFile, `http://10.99.0.2/${'a'.repeat(300)}`],
          [optionCodes.relayAgent, [1, 4, 1, 2, 3, 4]],
        ]),
      }),
    )
    expect(text).toContain('Option: (53) DHCP Message Type (Offer)')
    expect(text).toContain('Next server IP address: 10.99.0.2')
    expect(text).toContain('Boot file name: undionly.kpxe')
    expect(text).toMatch(/Option 43 Suboption: \(6\) PXE discovery control/)
    expect(text.match(/Option: \(67\) Bootfile name/g)).toHaveLength(2)
    expect(text).toMatch(/Option: \(82\) Agent Information Option.*Agent Circuit ID: 01020304.*Option: \(255\) End/s)
    expect(text).not.toMatch(/malformed/i)
  })
})
