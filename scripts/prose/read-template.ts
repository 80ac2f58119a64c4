import { masked, type Text } from './text.ts'

/** What a machine's screen shows of an iPXE template, and its comments: the script itself is not prose. */
export function readTemplate(source: string): Text[] {
  return [...source.matchAll(/^(# |echo )(.*)$/gm)].map(({ 1: word = '', 2: text = '', index }) => {
    const value = text.replace(/<%.*?%>|\$\{[^}]*\}/g, masked)
    return { kind: word === '# ' ? 'comment' : 'screen', pieces: [{ value, offset: index + word.length }] }
  })
}
