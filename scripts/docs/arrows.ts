import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../setup/run.js'
import { readImports, roomOf } from './imports.ts'

/** The rooms from the top of the house to the ground. */
const rooms = [
  'main',
  'server',
  'cli',
  'tftp',
  'dhcp',
  'boot',
  'api',
  'ui',
  'jobs',
  'decide',
  'doctor',
  'auth',
  'intake',
  'files',
  'inventory',
  'db',
  'bytes',
  'render',
  'config',
  'model',
  'lib',
]
/** Every room may import these, so only the rooms that import nothing else are worth a line of their own. */
const ground = ['model', 'lib']

const block = /(<!-- arrows -->\n)[\s\S]*?(<!-- \/arrows -->)/

/** ARCHITECTURE.md with the arrows of the present imports between its marks. */
export function architecturePage(): string {
  const text = readFileSync(join(repository, 'ARCHITECTURE.md'), 'utf8')
  return text.replace(block, (_, begin, end) => `${begin}\n\`\`\`\n${arrows()}\n\`\`\`\n\n${end}`)
}

/** A line a room: `boot -> decide, render   types of db, config`. */
function arrows(): string {
  const imports = readImports().filter(({ external }) => !external)
  const width = Math.max(...rooms.map(({ length }) => length))
  return rooms
    .filter((room) => imports.some(({ from }) => roomOf(from) === room))
    .map((room) => {
      const own = imports.filter(({ from, to }) => roomOf(from) === room && roomOf(to) !== room)
      const values = new Set(own.filter(({ typeOnly }) => !typeOnly).map(({ to }) => roomOf(to)))
      const types = new Set(own.filter(({ typeOnly }) => typeOnly).map(({ to }) => roomOf(to)))
      const listed = rooms.filter((target) => values.has(target) && !ground.includes(target))
      const typed = rooms.filter((target) => types.has(target) && !values.has(target) && !ground.includes(target))
      const tail = typed.length > 0 ? `   types of ${typed.join(', ')}` : ''
      return `${room.padEnd(width)} -> ${listed.join(', ') || 'nothing'}${tail}`
    })
    .join('\n')
}
