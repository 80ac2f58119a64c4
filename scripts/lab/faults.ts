import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { addRules, type Net, serverAddress } from './net.ts'
import { type Running, startIn } from './process.ts'

/** Ports of a host with faults, at the address of the boot server. No program listens at `closed`. */
export const faultPorts = { http: 8090, https: 8443, closed: 8099, silent: 8098, silentTftp: 6969 }

/** An address of the LAN that no host has. */
export const unusedAddress = '10.99.0.250'

/**
 * Starts a host with faults: HTTP errors by path, a DNS server without names, https with a certificate of its own. Packets to
 * the silent ports vanish, as behind a firewall.
 */
export async function startFaults(net: Net, workDir: string, script: string): Promise<Running> {
  const key = join(workDir, 'key.pem')
  const certificate = join(workDir, 'certificate.pem')
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${serverAddress}`],
    ...['-keyout', key, '-out', certificate],
  ])
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`)
  addRules(net, [`tcp dport ${faultPorts.silent} drop`, `udp dport ${faultPorts.silentTftp} drop`])
  const running = startIn(net.server, process.execPath, ['-e', program], {
    SCRIPT: script,
    KEY: key,
    CERTIFICATE: certificate,
    PORTS: JSON.stringify(faultPorts),
  })
  await running.waitFor(/faults are ready/, 10_000)
  return running
}

const program = `
const { createServer } = require('node:http')
const https = require('node:https')
const { createSocket } = require('node:dgram')
const { readFileSync } = require('node:fs')
const { SCRIPT, KEY, CERTIFICATE, PORTS } = process.env
const ports = JSON.parse(PORTS)
const answer = (request, response) => {
  const path = request.url.split('?')[0]
  const status = Number(path.slice(1))
  if (path === '/probe.ipxe') return response.end(SCRIPT)
  if (path === '/reset') return request.socket.resetAndDestroy()
  if (path === '/short') {
    response.writeHead(200, { 'Content-Length': 1000 })
    response.write('x'.repeat(100))
    return setTimeout(() => request.socket.end(), 300)
  }
  if (path === '/text') return response.end('neither a script nor a kernel')
  if (path === '/raw') return request.socket.end('NOT HTTP AT ALL\\r\\n\\r\\n')
  response.writeHead(status || 200)
  response.end('fault')
}
createServer(answer).listen(ports.http, () => {
  const tls = https.createServer({ key: readFileSync(KEY), cert: readFileSync(CERTIFICATE), maxVersion: 'TLSv1.2' }, answer)
  tls.on('tlsClientError', () => undefined)
  tls.listen(ports.https, () => {
    const dns = createSocket('udp4')
    // The question comes back as the answer, with the error that the name does not exist (RFC 1035, 4.1.1).
    dns.on('message', (bytes, peer) => {
      const reply = Buffer.from(bytes)
      reply.writeUInt16BE(0x8183, 2)
      dns.send(reply, peer.port, peer.address)
    })
    dns.bind(53, () => console.log('faults are ready'))
  })
})
`
