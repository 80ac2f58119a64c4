// What firmware does with the offers of a network. Pure.
import { bootClassOf } from '../../lib/dhcp/boot-client.ts'
import { ipxeOptionCodes, optionCodes, pxeOptionCodes } from '../../lib/dhcp/option-codes.ts'
import { subOptions } from '../../lib/dhcp/packet.ts'
import type { FirmwareKind } from '../../model/firmware/kinds.ts'
import {
  addressList,
  fileNames,
  givesAddress,
  hasPxeOptions,
  isPxe,
  type Offer,
  pxeOptions,
  tftpServerOf,
  vendorClassOf,
} from './offers.ts'

/** The client that asks: firmware, or the iPXE that firmware of this kind has loaded. */
export type Client = { kind: FirmwareKind; isIpxe: boolean }

/**
 * The next step of the client. `file`: it fetches a file or a URL, from `server` if the file is not a URL. `ask`: it asks
 * these offers in turn on port 4011 for the file. The others: it boots nothing, and why.
 */
export type Take =
  | { step: 'file'; file: string; server: string; offer: Offer; address: Offer; dnsServers: string[] }
  | { step: 'ask'; offers: Offer[]; address: Offer }
  | { step: 'no-offer' }
  | { step: 'no-address'; offers: Offer[] }
  | { step: 'no-file'; address: Offer }
  | { step: 'ignored'; offer: Offer; why: string }

/** What the client takes from the offers, in the order of their arrival. */
export function whatFirmwareTakes({ kind, isIpxe }: Client, offers: readonly Offer[]): Take {
  const address = offers.find(givesAddress)
  if (address === undefined)
    return offers.length === 0 ? { step: 'no-offer' } : { step: 'no-address', offers: [...offers] }
  if (isIpxe) return ipxeTakes(offers, address)
  return kind.transport === 'http' ? httpBootTakes(offers, address) : pxeTakes(kind, offers, address)
}

/**
 * The order of EDK2 (PxeBcDhcp4.c, PxeBcSelectDhcp4Offer). First a DHCP server with PXE options, then a proxy with PXE options.
 * Then a DHCP server with option 60, then a proxy without PXE options. Last a DHCP server with a boot file. The PXE
 * specification 2.1 has the same rules for a ROM of BIOS.
 */
function pxeTakes(kind: FirmwareKind, offers: readonly Offer[], address: Offer): Take {
  const pxe = offers.filter(isPxe)
  const complete = pxe.filter(hasPxeOptions)
  const incomplete = pxe.filter((offer) => !hasPxeOptions(offer))
  const plain = offers.find((offer) => givesAddress(offer) && !isPxe(offer))

  const withAddress = complete.find(givesAddress)
  if (withAddress !== undefined) return takePxe10(kind, withAddress, withAddress)
  const proxy = complete.find((offer) => !givesAddress(offer))
  if (proxy !== undefined && plain !== undefined) return takePxe10(kind, proxy, plain)
  const binl = incomplete.find(givesAddress)
  if (binl !== undefined) return { step: 'ask', offers: [binl], address: binl }
  const proxies = incomplete.filter((offer) => !givesAddress(offer))
  if (proxies.length > 0 && plain !== undefined) return { step: 'ask', offers: proxies, address: plain }
  const named = offers.find((offer) => givesAddress(offer) && bootFileOf(kind, offer) !== undefined)
  return named === undefined ? { step: 'no-file', address } : takeFile(kind, named, named)
}

/** Bit 3 of sub-option 6: use the boot file of this offer, without a menu or a discovery (PXE 2.1, table 2-1). */
function takePxe10(kind: FirmwareKind, offer: Offer, address: Offer): Take {
  const control = pxeOptions(offer).get(pxeOptionCodes.discoveryControl)?.[0] ?? 0
  const usesFile = (control & 8) !== 0 && bootFileOf(kind, offer) !== undefined
  return usesFile ? takeFile(kind, offer, address) : { step: 'ask', offers: [offer], address }
}

/** The file that an answer on port 4011 names, as `pxeTakes` does. */
export function takeAnswer({ kind }: Client, answer: Offer, address: Offer): Take {
  return bootFileOf(kind, answer) === undefined ? { step: 'no-file', address } : takeFile(kind, answer, address)
}

function takeFile(kind: FirmwareKind, offer: Offer, address: Offer): Take {
  const file = bootFileOf(kind, offer) ?? ''
  return { step: 'file', file, server: tftpServerOf(offer), offer, address, dnsServers: dnsServersOf(address) }
}

// Option 67 is first in EDK2 (PxeBcParseDhcp4Packet); the field `file` is first in ROMs of BIOS, which know PXE 2.1 only.
function bootFileOf(kind: FirmwareKind, offer: Offer): string | undefined {
  const { option, field } = fileNames(offer)
  return kind.runs === 'bios' ? (field ?? option) : (option ?? field)
}

/**
 * UEFI HTTP Boot takes an offer only with option 60 `HTTPClient` and a URI (HttpBootDhcp4.c). A URI with a host name needs
 * option 6 in the offer of the DHCP server.
 */
function httpBootTakes(offers: readonly Offer[], address: Offer): Take {
  const isHttp = ({ packet }: Offer) => bootClassOf(packet) === 'http'
  const uriOf = (offer: Offer) => fileNames(offer).option ?? fileNames(offer).field
  const isUri = (text: string | undefined): text is string => /^https?:\/\//i.test(text ?? '')
  const dnsServers = dnsServersOf(address)
  const taken = offers.find((offer) => isHttp(offer) && isUri(uriOf(offer)))
  if (taken !== undefined)
    return { step: 'file', file: uriOf(taken) ?? '', server: '', offer: taken, address, dnsServers }
  const withUri = offers.find((offer) => isUri(uriOf(offer)))
  if (withUri !== undefined)
    return { step: 'ignored', offer: withUri, why: `option 60 is "${vendorClassOf(withUri)}" instead of "HTTPClient"` }
  const withClass = offers.find((offer) => isHttp(offer) && uriOf(offer) !== undefined)
  if (withClass !== undefined)
    return { step: 'ignored', offer: withClass, why: `the boot file is "${uriOf(withClass)}" instead of a URL` }
  return { step: 'no-file', address }
}

/**
 * iPXE reads the field `file` before option 67 (dhcppkt.c). A proxy offer counts with option 60 `PXEClient`, siaddr and a boot
 * file, or a boot menu (dhcp.c, dhcp_has_pxeopts); without them iPXE asks port 4011. `no-pxedhcp` (175.176) ends the search for
 * proxies.
 */
function ipxeTakes(offers: readonly Offer[], address: Offer): Take {
  const fileOf = (offer: Offer) => fileNames(offer).field ?? fileNames(offer).option
  const ipxeOptions = subOptions(address.packet.options.get(optionCodes.ipxe) ?? Buffer.alloc(0))
  const ignoresProxies = (ipxeOptions.get(ipxeOptionCodes.noProxyDhcp)?.[0] ?? 0) !== 0
  const proxies = ignoresProxies ? [] : offers.filter((offer) => !givesAddress(offer) && isPxe(offer))
  const take = (offer: Offer): Take => {
    const file = fileOf(offer) ?? ''
    return { step: 'file', file, server: tftpServerOf(offer), offer, address, dnsServers: dnsServersOf(address) }
  }
  const complete = proxies.find((offer) => offer.packet.siaddr !== '0.0.0.0' && fileOf(offer) !== undefined)
  if (complete !== undefined) return take(complete)
  if (fileOf(address) !== undefined) return take(address)
  return proxies.length > 0 ? { step: 'ask', offers: proxies, address } : { step: 'no-file', address }
}

function dnsServersOf({ packet }: Offer): string[] {
  return addressList(packet, optionCodes.dnsServers)
}
