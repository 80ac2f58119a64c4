// The numbers of DHCP and PXE that Bootwright reads or writes, by name.

/** DHCP options: RFC 2132 unless a comment names another source. */
export const optionCodes = {
  pad: 0,
  subnetMask: 1,
  router: 3,
  dnsServers: 6,
  hostName: 12,
  bootFileSize: 13,
  /** Vendor-specific information. PXE and Raspberry Pi read it as sub-options. */
  vendorOptions: 43,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverId: 54,
  parameterList: 55,
  message: 56,
  maxMessageSize: 57,
  vendorClass: 60,
  clientId: 61,
  tftpServerName: 66,
  bootFile: 67,
  /** RFC 3004. */
  userClass: 77,
  /** RFC 3046. */
  relayAgent: 82,
  /** RFC 4578 2.1. */
  clientArch: 93,
  /** RFC 4578 2.2. */
  clientInterface: 94,
  /** RFC 4578 2.3: one byte of type, then the UUID. */
  clientUuid: 97,
  /** iPXE's encapsulated options (src/include/ipxe/dhcp.h). */
  ipxe: 175,
  end: 255,
} as const

/** Values of option 53 (RFC 2132 9.6). */
export const messageTypes = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const

/** Sub-options of option 43 for PXE (PXE specification 2.1, table 2-1). */
export const pxeOptionCodes = {
  discoveryControl: 6,
  multicastAddress: 7,
  bootServers: 8,
  bootMenu: 9,
  menuPrompt: 10,
  bootItem: 71,
} as const

/** Sub-options of option 175 (iPXE, src/include/ipxe/dhcp.h). */
export const ipxeOptionCodes = {
  /** Signed; the highest wins among DHCP offers, and among proxy offers. */
  priority: 1,
  keepSan: 8,
  trust: 90,
  crossCertificate: 93,
  noProxyDhcp: 176,
  version: 235,
} as const

/** The UDP ports of DHCP (RFC 2131 4.1), and the port of a PXE boot server (PXE specification 2.1, 2.2). */
export const dhcpPorts = { server: 67, client: 68, bootServer: 4011 } as const
