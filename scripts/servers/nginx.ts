import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

/** nginx on a port of loopback; `pid` is that of its worker. */
export type Nginx = { url: string; port: number; pid: number; stop: () => Promise<void> }

const startTimeoutMs = 20_000

/** Starts nginx with one worker for the folder `root`, with its files in `home`; `lines` extend its `server` block. */
export async function startNginx(home: string, root: string, lines = ''): Promise<Nginx> {
  const port = await freePort()
  mkdirSync(home, { recursive: true })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${home}/${name};`)
    .join(' ')
  // The files of a test belong to the user who runs it.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  writeFileSync(
    join(home, 'nginx.conf'),
    `${user} worker_processes 1; daemon off; pid ${home}/pid; error_log ${home}/error.log;
events { worker_connections 8192; }
http { ${temporary} access_log off; sendfile on; server { listen 127.0.0.1:${port}; root ${root}; ${lines} } }\n`,
  )
  const child = spawn('nginx', ['-p', home, '-c', join(home, 'nginx.conf'), '-e', join(home, 'error.log')], {
    stdio: 'inherit',
  })
  await accepts(port, child)
  const worker = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')[0]
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: Number(worker),
    stop: async () => {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function accepts(port: number, child: ChildProcess): Promise<void> {
  const until = Date.now() + startTimeoutMs
  while (Date.now() < until && child.exitCode === null) {
    const accepted = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (accepted) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.kill('SIGKILL')
  throw new Error('nginx did not start')
}
