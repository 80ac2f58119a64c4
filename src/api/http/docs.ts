// The page that shows the OpenAPI document.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { OpenAPIHono } from '@hono/zod-openapi'

const assets: Record<string, string> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
}

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Bootwright API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/api/v1/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/api/v1/docs/favicon-32x32.png">
</head>
<body>
<div id="api"></div>
<script src="/api/v1/docs/swagger-ui-bundle.js"></script>
<script src="/api/v1/docs/start.js"></script>
</body>
</html>
`

// Without `validatorUrl: null`, the page requests a badge from validator.swagger.io.
const start = `SwaggerUIBundle({ url: '/api/v1/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null })\n`

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Serves Swagger UI from the installed packages; the page loads nothing from other servers. */
export function registerDocs(app: OpenAPIHono): void {
  const locate = createRequire(import.meta.url).resolve
  app.get('/api/v1', (context) => context.redirect('/api/v1/docs'))
  app.get('/api/v1/', (context) => context.redirect('/api/v1/docs'))
  app.get('/api/v1/docs', (context) => context.html(page, 200, { 'content-security-policy': policy }))
  app.get('/api/v1/docs/start.js', (context) => context.body(start, 200, { 'content-type': 'text/javascript' }))
  for (const [name, type] of Object.entries(assets)) {
    app.get(`/api/v1/docs/${name}`, async (context) =>
      context.body(await readFile(locate(`swagger-ui-dist/${name}`)), 200, {
        'content-type': type,
        'cache-control': 'max-age=3600',
      }),
    )
  }
}
