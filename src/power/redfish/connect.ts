// Connections to a BMC. Its certificate is verified before a byte is sent.
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { VerifyTls } from '../../model/power/power.ts'
import { PowerError } from '../port.ts'
import { permittedAddress } from './address.ts'

export type BmcAddress = {
  url: URL
  verifyTls: VerifyTls
  /** Subnets of BMCs, BOOTWRIGHT_BMC_SUBNETS. */
  permitted: string[]
  /** Milliseconds to connect. */
  connectMs: number
}

/** Connects to a BMC. @throws PowerError if the address is not permitted, or the certificate is not trusted */
export async function connectBmc({ url, verifyTls, permitted, connectMs }: BmcAddress): Promise<Socket> {
  const host = await permittedAddress(url.hostname, permitted)
  const secure = url.protocol === 'https:'
  const port = Number(url.port || (secure ? 443 : 80))
  const name = isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0 ? { servername: url.hostname } : {}
  const socket = secure
    ? connectTls({ host, port, ...name, rejectUnauthorized: verifyTls === true })
    : connectTcp({ host, port })
  try {
    await connected(socket, secure ? 'secureConnect' : 'connect', connectMs)
    if (typeof verifyTls === 'string' && secure) checkFingerprint(socket as TLSSocket, verifyTls)
    return socket
  } catch (error) {
    socket.destroy()
    throw secure && isUntrusted(error) ? await untrusted(error, host, port, name, connectMs) : error
  }
}

function connected(socket: Socket, event: 'connect' | 'secureConnect', timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new PowerError(`no connection within ${timeoutMs / 1000} s`)), timeoutMs)
    // Never removed: the socket may fail again later.
    socket.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    socket.once(event, () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

function checkFingerprint(socket: TLSSocket, expected: string): void {
  const found = fingerprintOf(socket)
  if (found === expected) return
  throw new PowerError(
    `the certificate has the SHA-256 fingerprint ${found}, expected ${expected}. If the BMC has a new certificate, set verifyTls to the new fingerprint`,
  )
}

/** The SHA-256 fingerprint of the certificate of the other side, 64 hexadecimal digits. */
function fingerprintOf(socket: TLSSocket): string {
  return (socket.getPeerCertificate().fingerprint256 ?? '').replaceAll(':', '').toLowerCase()
}

function isUntrusted(error: unknown): error is Error & { code: string } {
  const code = String((error as { code?: unknown }).code)
  return /^(ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|CERT_|HOSTNAME_MISMATCH)/.test(code)
}

/** The error of a certificate that is not trusted, with its fingerprint, so that an operator can compare and trust it. */
async function untrusted(
  error: Error & { code: string },
  host: string,
  port: number,
  name: { servername?: string },
  timeoutMs: number,
): Promise<PowerError> {
  const socket = connectTls({ host, port, ...name, rejectUnauthorized: false })
  const fingerprint = await connected(socket, 'secureConnect', timeoutMs).then(
    () => fingerprintOf(socket),
    () => 'unknown',
  )
  socket.destroy()
  return new PowerError(
    `the certificate is not trusted (${error.code}). Its SHA-256 fingerprint is ${fingerprint}: if the BMC shows the same, set verifyTls to it`,
  )
}
