// The status codes of platforms in bits 7 to 0 of iPXE's codes. Pure.

/** EFI_STATUS errors by their low bits (UEFI 2.10, appendix D). */
const efiStatuses = [
  'EFI_SUCCESS',
  'EFI_LOAD_ERROR',
  'EFI_INVALID_PARAMETER',
  'EFI_UNSUPPORTED',
  'EFI_BAD_BUFFER_SIZE',
  'EFI_BUFFER_TOO_SMALL',
  'EFI_NOT_READY',
  'EFI_DEVICE_ERROR',
  'EFI_WRITE_PROTECTED',
  'EFI_OUT_OF_RESOURCES',
  'EFI_VOLUME_CORRUPTED',
  'EFI_VOLUME_FULL',
  'EFI_NO_MEDIA',
  'EFI_MEDIA_CHANGED',
  'EFI_NOT_FOUND',
  'EFI_ACCESS_DENIED',
  'EFI_NO_RESPONSE',
  'EFI_NO_MAPPING',
  'EFI_TIMEOUT',
  'EFI_NOT_STARTED',
  'EFI_ALREADY_STARTED',
  'EFI_ABORTED',
  'EFI_ICMP_ERROR',
  'EFI_TFTP_ERROR',
  'EFI_PROTOCOL_ERROR',
  'EFI_INCOMPATIBLE_VERSION',
  'EFI_SECURITY_VIOLATION',
  'EFI_CRC_ERROR',
  'EFI_END_OF_MEDIA',
  '',
  '',
  'EFI_END_OF_FILE',
  'EFI_INVALID_LANGUAGE',
  'EFI_COMPROMISED_DATA',
  'EFI_IP_ADDRESS_CONFLICT',
  'EFI_HTTP_ERROR',
]

/** The name of an EFI status in iPXE's form, where bit 7 is the error bit (its errno/efi.h); undefined if unknown. */
export function efiStatus(byte: number): string | undefined {
  if (byte !== 0 && byte < 0x80) return undefined
  return efiStatuses[byte & 0x7f] || undefined
}

/** A PXE status in the form of the codes that a ROM prints (PXE 2.1, appendix A): `PXE-E32`. */
export function pxeStatus(byte: number): string | undefined {
  return byte === 0 ? undefined : `PXE-E${byte.toString(16).padStart(2, '0').toUpperCase()}`
}
