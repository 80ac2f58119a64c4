import type { RootContent } from 'mdast'
import { type AdminDeps, createAdminApp } from '../../src/api/routes.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { code, formatPage, generatedFrom, heading, paragraph, table, text } from './markdown.ts'

type Operation = { summary?: string; tags?: string[]; 'x-role'?: string; 'x-action'?: string }
type Document = { paths: Record<string, Record<string, Operation>> }

/** Every endpoint by its tag, from the OpenAPI document. */
export async function apiPage(): Promise<string> {
  const endpoints = await listEndpoints()
  const tags = [...new Set(endpoints.map(({ tag }) => tag))]
  return formatPage([
    heading(1, 'API'),
    generatedFrom('src/api'),
    paragraph(
      text('The admin listener serves the whole description: OpenAPI 3.1 at '),
      code('/api/v1/openapi.json'),
      text(', and a page to read it at '),
      code('/api/v1/docs'),
      text('. This page only lists the endpoints. '),
      { type: 'link', url: '../guide/automation.md', children: [text('Automation')] },
      text(
        ' shows how to use the API. The role is the lowest role that may use the endpoint; src/auth/may.ts has the table of rights.',
      ),
    ),
    ...tags.flatMap((tag): RootContent[] => [
      heading(2, `${tag.charAt(0).toUpperCase()}${tag.slice(1)}`),
      table(
        ['method', 'path', 'summary', 'role', 'right'],
        endpoints
          .filter((endpoint) => endpoint.tag === tag)
          .map(({ method, path, summary, role, action }) => [
            text(method.toUpperCase()),
            code(path),
            text(summary),
            text(role),
            text(action),
          ]),
      ),
    ]),
  ])
}

/** The OpenAPI document of the code. It is made of the table of routes; no endpoint runs. */
export async function openApiOfCode(): Promise<object> {
  const app = createAdminApp({
    trusted: true,
    metrics: createMetrics(),
    log: createLog('silent', process.stderr),
  } as AdminDeps)
  return (await (await app.request('/api/v1/openapi.json')).json()) as object
}

async function listEndpoints() {
  const document = (await openApiOfCode()) as Document
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(
      ([method, { summary = '', tags = [], 'x-role': role = 'none', 'x-action': action = '' }]) => ({
        method,
        path,
        summary,
        role,
        action,
        tag: tags[0] ?? 'other',
      }),
    ),
  )
}
