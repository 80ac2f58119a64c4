import { execFile, execFileSync } from 'node:child_process'
import { accessSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { Liquid } from 'liquidjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { repository } from '../helpers/markdown.ts'
import { type Operator, startOperator, startWeb } from '../helpers/operator.ts'

const page = readFileSync(join(repository, 'docs/guide/clients.md'), 'utf8')

/** An example of a language on the page, the first if no place is given. */
function exampleOf(language: string, place = 0): string {
  const section = page.slice(page.indexOf(sectionOf[language] ?? ''))
  const code = section.split(`\n\`\`\`${language}\n`)[place + 1]
  if (code === undefined) throw new Error(`no example of ${language}`)
  return code.slice(0, code.indexOf('\n```') + 1)
}
const sectionOf: Record<string, string> = { sh: '## On a schedule' }

/** Whether a program is on PATH that setup does not install. */
function isHere(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program))
      return true
    } catch {
      return false
    }
  })
}

const python = ['/usr/bin/python3', 'python3'].find((program) => {
  try {
    execFileSync(program, ['-c', 'import requests'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})

describe('the examples of the guide for clients', () => {
  let operator: Operator
  let folder: string
  let env: Record<string, string>
  let token: string
  beforeAll(async () => {
    operator = await startOperator()
    folder = await mkdtemp(join(tmpdir(), 'bootwright-clients-'))
    token = JSON.parse((await operator.run('token', 'create', 'ci', '--json')).out).token
    env = { PATH: process.env.PATH ?? '', BOOTWRIGHT_URL: operator.adminUrl, BOOTWRIGHT_TOKEN: token }
  })
  afterAll(async () => {
    await operator?.stop()
    await rm(folder, { recursive: true, force: true })
  })
  const run = (program: string, args: string[], cwd = folder) =>
    promisify(execFile)(program, args, { cwd, env }).catch((error: { stdout?: string; stderr?: string }) => {
      throw new Error(`${program}: ${error.stdout}${error.stderr}`)
    })
  const machine = async (key: string) => JSON.parse((await operator.run('machine', 'show', key, '--json')).out)
  const send = (url: string, method: string, body: string) =>
    fetch(url, { method, body, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } })

  test('TypeScript: the packed client compiles in a strict program, refuses wrong types, and runs', async () => {
    // As `prepack` does, which npm leaves out where scripts are off.
    await promisify(execFile)('npm', ['run', '--silent', 'client'], { cwd: repository })
    await promisify(execFile)('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
      cwd: repository,
    })
    const [archive = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
    await run('tar', ['-xzf', archive])
    const packed = join(folder, 'package')
    for (const path of [
      'dist/main.js',
      'dist/client/openapi.d.ts',
      'ipxe/bootstrap.ipxe.eta',
      'migrations/meta/_journal.json',
      'recipes/debian-12.yaml',
      'src/ui/views',
      'LICENSE',
    ])
      expect([path, accessSync(join(packed, path))]).toEqual([path, undefined])
    await mkdir(join(folder, 'consumer/node_modules'), { recursive: true })
    const consumer = join(folder, 'consumer')
    await symlink(packed, join(consumer, 'node_modules/bootwright'))
    await mkdir(join(packed, 'node_modules'))
    for (const name of ['openapi-fetch', 'openapi-typescript-helpers', '@types'])
      for (const modules of [packed, consumer])
        await symlink(join(repository, 'node_modules', name), join(modules, 'node_modules', name))
    const ofMachine = "{ params: { path: { id: 'x' } } }"
    const wrong = [
      `await client.POST('/api/v1/rollouts', { body: { action: 'reinstall', image: 'x' } })`,
      `await client.POST('/api/v1/machines/{id}/power', { ...${ofMachine}, body: { action: 'explode' } })`,
      `await client.GET('/api/v1/nothing')`,
      `await client.PUT('/api/v1/groups/{name}', { params: { path: { name: 'x' } }, body: { assignment: { image: 1 } } })`,
      `await client.GET('/api/v1/machines/{id}')`,
      `machine.nothing`,
    ]
    const right = [
      `const done: Schemas['Power'] = await unwrap(client.GET('/api/v1/machines/{id}/power', ${ofMachine})); void done.kind`,
      `await client.POST('/api/v1/machines/{id}/power', { ...${ofMachine}, body: { action: 'cycle', network: true } })`,
      `await client.POST('/api/v1/apply', { params: { query: { dryRun: true } }, body: { owner: 'site', ...(await unwrap(client.GET('/api/v1/export'))) } })`,
      `const { error } = await client.POST('/api/v1/machines/sync', { params: { query: { owner: 'cmdb' } }, body: [{ mac: 'x' }] })
        if (error !== undefined && typeof error !== 'string' && 'detail' in error) void error.detail.length`,
      `try { await unwrap(client.POST('/api/v1/rollouts/{id}/retry', { params: { path: { id: 'x' } }, body: { skipped: true } })) }
        catch (error) { if (error instanceof BootwrightError) void error.problem?.errors?.map(({ field }) => field) }`,
    ]
    const program = `${exampleOf('ts')}${right.map((line) => `void (async () => { ${line} })\n`).join('')}${wrong.map((line) => `// @ts-expect-error\nvoid (async () => { ${line} })\n`).join('')}`
    await writeFile(join(consumer, 'program.ts'), program)
    await writeFile(join(consumer, 'package.json'), '{ "type": "module" }')
    const compilerOptions = {
      ...{ target: 'es2022', module: 'nodenext', lib: ['es2023'], types: ['node'], strict: true, outDir: 'out' },
      ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
    }
    await writeFile(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }))
    for (const compiler of ['node_modules', 'test/clients/node_modules'])
      await run(process.execPath, [join(repository, compiler, 'typescript/bin/tsc'), '-p', '.'], consumer)
    const { stdout } = await run(process.execPath, ['out/program.js'], consumer)
    expect(stdout.split('\n')).toEqual(['web-1', 'there is no image no-such-image', ''])
    expect(await machine('web-1')).toMatchObject({ macs: ['52:54:00:12:34:56'], labels: { rack: 'b4' } })
    await operator.run('image', 'add', 'tools', '--local')
    await writeFile(join(consumer, 'program.ts'), exampleOf('ts', 1))
    await run(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '-p', '.'], consumer)
    const rollout = await run(process.execPath, ['out/program.js'], consumer)
    expect(rollout.stdout).toBe('1 machines in 3 waves, with version 1\nrunning { waiting: 1 }\n')
    const [id] = (await operator.run('rollout', 'list', '--json')).out.match(/[0-9a-f-]{36}/) ?? []
    await operator.run('rollout', 'cancel', id ?? '')
  }, 300_000)

  test.runIf(python !== undefined)('Python: changes machines, and only as they were read', async () => {
    await writeFile(join(folder, 'machines.py'), exampleOf('python'))
    const { stdout } = await run(python ?? '', ['machines.py'])
    expect(stdout.split('\n')).toEqual(['1 created, 0 changed', "{'rack': 'b4', 'state': 'ready'}", ''])
  })

  test('Ansible: the request of the task creates a machine, and says that it changed', async () => {
    const values = {
      ...{ bootwright_url: operator.adminUrl, bootwright_token: token, mac: '52:54:00:12:34:58' },
      ...{ inventory_hostname_short: 'web-3', rack: 'c1' },
    }
    const [task] = parseYaml(await new Liquid({ strictVariables: true }).parseAndRender(exampleOf('yaml'), values))
    const { url, method, body, headers } = task['ansible.builtin.uri']
    expect(headers).toEqual({ Authorization: `Bearer ${token}` })
    const answer = await send(url, method, JSON.stringify(body))
    const saved = (await answer.json()) as { created: number; changed: number }
    expect([answer.status, task.changed_when, saved.created + saved.changed]).toEqual([
      200,
      'saved.json.created + saved.json.changed > 0',
      1,
    ])
    expect(await machine('web-3')).toMatchObject({ labels: { rack: 'c1' } })
    const again = (await (await send(url, method, JSON.stringify(body))).json()) as { created: number; changed: number }
    expect(again.created + again.changed).toBe(0)
  })

  test('Terraform: the URL answers with the field of the output', async () => {
    await operator.run('image', 'add', 'tools', '--local')
    const [, path = '', output = ''] =
      /bootwright_url\}(\/\S+)"[\s\S]*response_body\)\.(\w+)/.exec(exampleOf('hcl')) ?? []
    const answer = await fetch(`${operator.adminUrl}${path.replace('${var.image}', 'tools')}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect([answer.status, ((await answer.json()) as Record<string, unknown>)[output]]).toEqual([200, 1])
  })

  test.runIf(isHere('terraform'))('Terraform: the example is in the form of terraform fmt', async () => {
    await writeFile(join(folder, 'main.tf'), exampleOf('hcl'))
    expect((await run('terraform', ['fmt', '-check', '-diff', 'main.tf'])).stdout).toBe('')
  })

  test('NetBox: the body of the template creates a machine, and a repeated message changes nothing', async () => {
    const interfaceOf = { data: { name: 'eth0', mac_address: '52:54:00:12:34:59', device: { id: 17, name: 'web-4' } } }
    const body = await new Liquid({ strictVariables: true }).parseAndRender(exampleOf('jinja'), interfaceOf)
    const [, path = ''] = /URL: `https:\/\/bootwright\.example\.org(\S+)`/.exec(page) ?? []
    for (const counts of [{ created: 1 }, { created: 0, changed: 0, unchanged: 1 }]) {
      const answer = await send(`${operator.adminUrl}${path}`, 'POST', body)
      expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining(counts)])
    }
    expect(await machine('web-4')).toMatchObject({ labels: { netbox: '17' } })
  })

  test('a schedule: the script takes settings from git and machines from a CMDB', async () => {
    const web = await startWeb((request, response) => {
      response.writeHead(request.url === '/machines.csv' ? 200 : 404)
      response.end('mac,hostname,label.rack\n52:54:00:12:34:60,web-5,d2\n')
    })
    const git = (...args: string[]) =>
      run('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args], origin)
    const origin = join(folder, 'origin')
    const site = join(folder, 'site')
    await mkdir(join(origin, 'groups'), { recursive: true })
    await writeFile(
      join(origin, 'groups/rack-d2.yaml'),
      'selector:\n  - label: rack\n    equals: d2\nassignment:\n  local: true\n',
    )
    await git('init', '--quiet')
    await git('add', '.')
    await git('commit', '--quiet', '-m', 'settings')
    await run('git', ['clone', '--quiet', origin, site])
    await writeFile(join(folder, 'bootwright'), `#!/bin/sh\nexec ${process.execPath} ${repository}/dist/main.js "$@"\n`)
    await chmod(join(folder, 'bootwright'), 0o755)
    env.PATH = `${folder}${delimiter}${env.PATH}`
    const script = exampleOf('sh').replace('/srv/site', site).replace('https://cmdb.example.org', web.url)
    await writeFile(join(folder, 'sync'), script)
    try {
      const first = await run('sh', ['sync'])
      expect(first.stdout).toMatch(/applied: 1 created[\s\S]*1 rows: 1 created/)
      const second = await run('sh', ['sync'])
      expect(second.stdout).toMatch(/nothing to change[\s\S]*1 rows: 0 created, 0 changed, 1 unchanged/)
      expect((await operator.run('explain', 'web-5')).out).toContain('rack-d2')
      await writeFile(join(folder, 'sync'), script.replace('machines.csv -o', 'nothing.csv -o'))
      await expect(run('sh', ['sync'])).rejects.toThrow(/404/)
    } finally {
      await web.stop()
    }
  })
})
