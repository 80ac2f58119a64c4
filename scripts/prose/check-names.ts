import { type Node, parseSync } from 'oxc-parser'
import { childrenOf } from './read-typescript.ts'
import type { Fault } from './rules.ts'

/** A fault, and the offset of what was found in the file. */
type FaultAt = Fault & { offset: number }

/** Words that name no thing. A value has the name of what it is. */
const vague = new Set(['one', 'known', 'wanted', 'said', 'shown', 'rest'])

/** The values of a TypeScript file whose names say nothing, and the limits that are not called max. */
export function checkNames(name: string, source: string): FaultAt[] {
  const faults: FaultAt[] = []
  const visit = (node: Node) => {
    for (const { name: found, start } of bindingsOf(node)) {
      if (vague.has(found)) faults.push({ found, instead: 'a noun that says what the value is', offset: start })
      if (/^most(?=[A-Z]|$)/.test(found)) faults.push({ found, instead: 'max… for a limit', offset: start })
    }
    for (const child of childrenOf(node)) visit(child)
  }
  visit(parseSync(name, source).program)
  return faults
}

type Binding = { name: string; start: number }

/** The names that a node itself declares: variables, parameters, and properties of types. */
function bindingsOf(node: Node): Binding[] {
  if (node.type === 'VariableDeclarator') return namesIn(node.id)
  if (node.type === 'ArrowFunctionExpression' || node.type === 'FunctionDeclaration')
    return node.params.flatMap(namesIn)
  if (node.type === 'TSPropertySignature' && node.key.type === 'Identifier') return [node.key]
  return []
}

/** The names in a pattern, however deep. The collecting `...rest` of a pattern is called so by everybody. */
function namesIn(pattern: Node): Binding[] {
  if (pattern.type === 'Identifier') return [pattern]
  if (pattern.type === 'ObjectPattern')
    return pattern.properties.flatMap((property) => (property.type === 'Property' ? namesIn(property.value) : []))
  if (pattern.type === 'ArrayPattern')
    return pattern.elements.flatMap((element) =>
      element === null || element.type === 'RestElement' ? [] : namesIn(element),
    )
  return pattern.type === 'AssignmentPattern' ? namesIn(pattern.left) : []
}
