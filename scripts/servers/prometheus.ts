import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

/** A Prometheus on a port of loopback. `query` returns the samples of an instant query. */
export type Prometheus = {
  url: string
  query: (expression: string) => Promise<{ metric: Record<string, string>; value: [number, string] }[]>
  stop: () => Promise<void>
}

const startTimeoutMs = 60_000

/** Starts Prometheus (Debian: prometheus) with its data in `home`. It scrapes the target every second with the token, and loads the rules. */
export async function startPrometheus(
  home: string,
  { target, token, rules }: { target: string; token: string; rules: string },
): Promise<Prometheus> {
  const port = await freePort()
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'token'), token, { mode: 0o600 })
  writeFileSync(
    join(home, 'prometheus.yml'),
    `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [${JSON.stringify(rules)}]
scrape_configs:
  - job_name: bootwright
    authorization: { credentials_file: ${JSON.stringify(join(home, 'token'))} }
    static_configs: [{ targets: [${JSON.stringify(target)}] }]
`,
  )
  const output: string[] = []
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(home, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(home, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => output.push(String(text)))
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  }
  const until = Date.now() + startTimeoutMs
  for (;;) {
    const isReady = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) break
    if (child.exitCode !== null || Date.now() > until) {
      await stop()
      throw new Error(`Prometheus did not start:\n${output.join('')}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {
    url,
    query: async (expression) => {
      const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`)
      const { status, data, error } = (await response.json()) as {
        status: string
        error?: string
        data: { result: { metric: Record<string, string>; value: [number, string] }[] }
      }
      if (status !== 'success') throw new Error(`${expression}: ${error}`)
      return data.result
    },
    stop,
  }
}
