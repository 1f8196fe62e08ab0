/**
 * A TypeScript file as the architecture tests see it: whom it imports, what it names, how long it is. Rules stand in
 * `rules.ts`; where files lie in `workspaces.ts`.
 */
import { parseSync } from 'oxc-parser'

export interface Import {
  /** As it is written: `./member.ts`, `@syncline/shared/presence`, `ws`. */
  readonly from: string
  /** Nothing of it is left when types are stripped. */
  readonly typeOnly: boolean
}

export interface SourceFile {
  /** From the root of the repository, with `/`: `server/src/room/room.ts`. */
  readonly path: string
  readonly imports: readonly Import[]
  /** Every identifier, property and imported name, in code and in types. Comments and strings do not count. */
  readonly names: ReadonlySet<string>
  readonly lines: number
  readonly tests: readonly TestCall[]
}

/** A call that declares a test: `test(...)`, `it.each(...)(...)`, `test.concurrent(...)`. */
export interface TestCall {
  readonly title: string
  /** `test.skip`, `test.todo`: it proves nothing. */
  readonly runs: boolean
}

/** Parses one file. Text that is no TypeScript is an error, since a rule that reads nothing finds nothing. */
export function readSource(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`)
  const found = { imports: [] as Import[], names: new Set<string>(), tests: [] as TestCall[] }
  visit(program, found)
  return { path, ...found, lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0) }
}

interface Node {
  readonly type: string
  readonly [field: string]: unknown
}

interface Found {
  readonly imports: Import[]
  readonly names: Set<string>
  readonly tests: TestCall[]
}

function visit(value: unknown, found: Found): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, found)
    return
  }
  if (!isNode(value)) return
  const imported = importOf(value)
  if (imported !== undefined) found.imports.push(imported)
  const name = nameOf(value)
  if (name !== undefined) found.names.add(name)
  const test = testOf(value)
  if (test !== undefined) found.tests.push(test)
  for (const field of Object.values(value)) visit(field, found)
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

function importOf(node: Node): Import | undefined {
  const from = isNode(node.source) && typeof node.source.value === 'string' ? node.source.value : undefined
  if (from === undefined) return undefined
  switch (node.type) {
    case 'ImportDeclaration':
      return { from, typeOnly: node.importKind === 'type' || onlyTypes(node.specifiers, 'importKind') }
    case 'ExportNamedDeclaration':
      return { from, typeOnly: node.exportKind === 'type' || onlyTypes(node.specifiers, 'exportKind') }
    case 'ExportAllDeclaration':
      return { from, typeOnly: node.exportKind === 'type' }
    case 'ImportExpression':
      return { from, typeOnly: false }
    case 'TSImportType':
      return { from, typeOnly: true }
    default:
      return undefined
  }
}

/** `import { type A }` keeps no name; `import './a.ts'` names nothing and still runs it. */
function onlyTypes(specifiers: unknown, kind: 'importKind' | 'exportKind'): boolean {
  return (
    Array.isArray(specifiers) &&
    specifiers.length > 0 &&
    specifiers.every(one => isNode(one) && one[kind] === 'type')
  )
}

function nameOf(node: Node): string | undefined {
  if (node.type === 'Identifier' && typeof node.name === 'string') return node.name
  // `Y['Doc']` names it as much as `Y.Doc` does.
  if (node.type === 'MemberExpression' && node.computed === true && isNode(node.property)) {
    return typeof node.property.value === 'string' ? node.property.value : undefined
  }
  return undefined
}

function testOf(node: Node): TestCall | undefined {
  if (node.type !== 'CallExpression' || !Array.isArray(node.arguments)) return undefined
  const title = leadingText(node.arguments[0])
  if (title === undefined) return undefined
  const chain = calleeChain(node.callee)
  if (chain[0] !== 'test' && chain[0] !== 'it') return undefined
  return { title, runs: !chain.includes('skip') && !chain.includes('todo') }
}

/** `test.concurrent.each(table)` is `test`, `concurrent`, `each`. */
function calleeChain(callee: unknown): string[] {
  if (!isNode(callee)) return []
  if (callee.type === 'Identifier') return [String(callee.name)]
  if (callee.type === 'CallExpression' || callee.type === 'TaggedTemplateExpression') {
    return calleeChain(callee.callee ?? callee.tag)
  }
  if (callee.type === 'MemberExpression' && isNode(callee.property)) {
    return [...calleeChain(callee.object), String(callee.property.name)]
  }
  return []
}

function leadingText(argument: unknown): string | undefined {
  if (!isNode(argument)) return undefined
  if (argument.type === 'Literal' && typeof argument.value === 'string') return argument.value
  if (argument.type === 'TemplateLiteral' && Array.isArray(argument.quasis)) {
    const [first] = argument.quasis as { value: { cooked: string } }[]
    return first?.value.cooked
  }
  return undefined
}
