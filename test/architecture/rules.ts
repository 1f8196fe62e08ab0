/**
 * The rules of the house as functions over parsed files. Each gives one sentence per violation, and nothing when all
 * is well. `rules.test.ts` shows on made-up files that each can fail; `layers.test.ts` holds them over the repository.
 */
import path from 'node:path'
import type { SourceFile } from './source-file.ts'
import type { Manifest, Step, Workspace } from './workspaces.ts'

/** Every import within `root` goes to an earlier step of the order, or stays in its own folder. Types count. */
export function layerViolations(
  files: readonly SourceFile[],
  root: string,
  order: readonly Step[],
): string[] {
  const stepOf = (part: string) => order.findIndex(step => step.includes(part))
  const violations: string[] = []
  for (const file of files) {
    if (!file.path.startsWith(`${root}/`)) continue
    const here = partOf(file.path, root)
    if (stepOf(here) === -1) {
      violations.push(`${file.path}: ${here} has no place in the order of ${root}`)
      continue
    }
    for (const { from } of file.imports) {
      const target = relativeTarget(file, from)
      if (target === undefined || !target.startsWith(`${root}/`)) continue
      const there = partOf(target, root)
      if (there !== here && stepOf(there) >= stepOf(here)) {
        violations.push(`${file.path} imports ${target}: ${there} does not come before ${here}`)
      }
    }
  }
  return violations
}

/** Workspaces reach each other by `@syncline/…` names that are exported to them, and only in the allowed direction. */
export function borderViolations(files: readonly SourceFile[], workspaces: readonly Workspace[]): string[] {
  const paths = new Set(files.map(file => file.path))
  const violations: string[] = []
  for (const file of files) {
    const workspace = workspaces.find(one => file.path.startsWith(`${one.folder}/`))
    if (workspace === undefined) continue
    for (const { from } of file.imports) {
      const target = relativeTarget(file, from)
      if (target !== undefined && !target.startsWith(`${workspace.folder}/`)) {
        violations.push(`${file.path} imports ${from}: it leaves ${workspace.folder} by a path`)
      }
      const owner = workspaces.find(one => from === one.packageName || from.startsWith(`${one.packageName}/`))
      if (owner === undefined || owner === workspace) continue
      if (!workspace.mayImport.includes(owner.packageName)) {
        violations.push(`${file.path} imports ${from}: ${workspace.folder} may not know ${owner.folder}`)
      } else if (publicTarget(from, paths, workspaces) === undefined) {
        violations.push(`${file.path} imports ${from}: ${owner.packageName} exports no such path`)
      }
    }
  }
  return violations
}

/** Groups of files that import each other, types included; each group as a list of paths. */
export function importCircles(files: readonly SourceFile[], workspaces: readonly Workspace[]): string[][] {
  const paths = new Set(files.map(file => file.path))
  const edges = new Map(
    files.map(file => [
      file.path,
      file.imports
        .map(({ from }) => relativeTarget(file, from) ?? publicTarget(from, paths, workspaces))
        .filter(target => target !== undefined && paths.has(target)) as string[],
    ]),
  )
  return stronglyConnected(edges).filter(
    group => group.length > 1 || edges.get(group[0] as string)?.includes(group[0] as string),
  )
}

/** Only the listed files name one of `names`, and only listed files import a listed one for more than its types. */
export function documentViolations(
  files: readonly SourceFile[],
  { root, names, listed }: { root: string; names: readonly string[]; listed: readonly string[] },
): string[] {
  const violations: string[] = []
  for (const one of listed) {
    if (!files.some(file => file.path === one)) violations.push(`${one} is listed and does not exist`)
  }
  for (const file of files) {
    if (!file.path.startsWith(`${root}/`) || listed.includes(file.path)) continue
    for (const name of names) {
      if (file.names.has(name)) violations.push(`${file.path} names ${name} and is no file of the worker`)
    }
    for (const { from, typeOnly } of file.imports) {
      const target = relativeTarget(file, from)
      if (!typeOnly && target !== undefined && listed.includes(target)) {
        violations.push(`${file.path} imports ${target}, which belongs to the worker`)
      }
    }
  }
  return violations
}

const drawers = /^(utils?|types?|helpers?|index|common|misc)\.tsx?$/

/** Names that say nothing attract what belongs nowhere. */
export function drawerFiles(files: readonly SourceFile[]): string[] {
  return files.filter(file => drawers.test(path.posix.basename(file.path))).map(file => file.path)
}

/** Files beyond `linesMax`, unless their reason is given; and reasons that are no longer needed. */
export function longFileViolations(
  files: readonly SourceFile[],
  linesMax: { source: number; test: number },
  excused: ReadonlyMap<string, string>,
): string[] {
  const tooLong = files.filter(
    file => file.lines > (file.path.startsWith('test/') ? linesMax.test : linesMax.source),
  )
  const unneeded = [...excused.keys()].filter(one => !tooLong.some(file => file.path === one))
  return [
    ...tooLong
      .filter(file => !excused.has(file.path))
      .map(file => `${file.path} has ${file.lines} lines: look for the second idea in it`),
    ...unneeded.map(one => `${one} is excused for its length and needs it no more`),
  ]
}

/** What a workspace imports stands in its own package.json: what runs in `dependencies`, where it is published. */
export function undeclaredImports(
  files: readonly SourceFile[],
  workspace: Workspace,
  manifest: Manifest,
): string[] {
  const violations = new Set<string>()
  const published = workspace.folder === 'server' || workspace.folder === 'shared'
  const forTypes = { ...manifest.dependencies, ...manifest.devDependencies }
  const forValues = published ? { ...manifest.dependencies } : forTypes
  for (const file of files) {
    if (!file.path.startsWith(`${workspace.folder}/`)) continue
    for (const { from, typeOnly } of file.imports) {
      const name = packageOf(from)
      if (name === undefined || name === workspace.packageName) continue
      const declared = typeOnly ? name in forTypes || `@types/${name}` in forTypes : name in forValues
      if (!declared) violations.add(`${file.path} imports ${name}, which its package.json does not name`)
    }
  }
  return [...violations]
}

/** `server/src/room/room.ts` is in the part `room`, `server/src/app.ts` in the part `app.ts`. */
function partOf(file: string, root: string): string {
  return file.slice(root.length + 1).split('/')[0] as string
}

function relativeTarget(file: SourceFile, from: string): string | undefined {
  if (!from.startsWith('.')) return undefined
  return path.posix.join(path.posix.dirname(file.path), from)
}

/**
 * The file that a public subpath stands for. Every package exports `src`; the server its internals and the client its
 * demo, for tests only.
 */
function publicTarget(
  from: string,
  paths: ReadonlySet<string>,
  workspaces: readonly Workspace[],
): string | undefined {
  const owner = workspaces.find(one => from === one.packageName || from.startsWith(`${one.packageName}/`))
  if (owner === undefined) return undefined
  const subpath = from.slice(owner.packageName.length + 1)
  const isServer = owner.folder === 'server'
  if (isServer && subpath !== '' && !subpath.startsWith('internal/')) return undefined
  const inside = isServer ? (subpath === '' ? 'app' : subpath.slice('internal/'.length)) : subpath
  const isDemo = owner.folder === 'client' && subpath.startsWith('demo/')
  const target = isDemo
    ? `client/demo/src/${subpath.slice('demo/'.length)}.ts`
    : `${owner.folder}/src/${inside}.ts`
  return paths.has(target) ? target : undefined
}

function packageOf(from: string): string | undefined {
  if (from.startsWith('.') || from.startsWith('node:') || from.includes(':')) return undefined
  const parts = from.split('/')
  return from.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]
}

/** Tarjan's algorithm. Recursive: the depth is that of the import chain, some dozens. */
function stronglyConnected(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const groups: string[][] = []
  const number = new Map<string, number>()
  const lowest = new Map<string, number>()
  const stack: string[] = []
  const visit = (node: string): number => {
    const own = number.size
    number.set(node, own)
    lowest.set(node, own)
    stack.push(node)
    for (const next of edges.get(node) ?? []) {
      const reached = !number.has(next)
        ? visit(next)
        : stack.includes(next)
          ? (number.get(next) as number)
          : own
      lowest.set(node, Math.min(lowest.get(node) as number, reached))
    }
    const low = lowest.get(node) as number
    if (low === own) groups.push(stack.splice(stack.indexOf(node)).sort())
    return low
  }
  for (const node of edges.keys()) if (!number.has(node)) visit(node)
  return groups
}
