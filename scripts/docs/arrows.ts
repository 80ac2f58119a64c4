import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../setup/run.js'
import { readImports, roomOf } from './imports.ts'
import { groundOf, rooms } from './rooms.ts'

const block = /(<!-- arrows -->\n)[\s\S]*?(<!-- \/arrows -->)/

/** ARCHITECTURE.md with the arrows of the present imports between its marks. */
export function architecturePage(): string {
  const text = readFileSync(join(repository, 'ARCHITECTURE.md'), 'utf8')
  return text.replace(block, (_, begin, end) => `${begin}\n\`\`\`\n${arrows()}\n\`\`\`\n\n${end}`)
}

/** A line a room: `boot -> decide, render   types of db, config`. */
function arrows(): string {
  const imports = readImports().filter(({ external }) => !external)
  const names = Object.keys(rooms)
  const width = Math.max(...names.map(({ length }) => length))
  return names
    .filter((room) => imports.some(({ from }) => roomOf(from) === room))
    .map((room) => {
      const own = imports.filter(({ from, to }) => roomOf(from) === room && roomOf(to) !== room)
      const values = new Set(own.filter(({ typeOnly }) => !typeOnly).map(({ to }) => roomOf(to)))
      const types = new Set(own.filter(({ typeOnly }) => typeOnly).map(({ to }) => roomOf(to)))
      const others = names.filter((target) => !groundOf(room).includes(target))
      const listed = others.filter((target) => values.has(target))
      const typed = others.filter((target) => types.has(target) && !values.has(target))
      const tail = typed.length > 0 ? `   types of ${typed.join(', ')}` : ''
      return `${room.padEnd(width)} -> ${listed.join(', ') || 'nothing'}${tail}`
    })
    .join('\n')
}
