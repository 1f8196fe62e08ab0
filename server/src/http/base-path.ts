/**
 * Everything may be served under a path of its own (`--base-path /collab`), for a proxy that passes paths on as they come.
 */

/**
 * The request target as it is below the base path, query included: `/collab/notes?x` is `/notes?x`. Null for what is not under
 * it. The base path itself gives what follows it, which does not begin with a slash.
 */
export function belowBasePath(target: string, basePath: string): string | null {
  if (!target.startsWith(basePath)) return null
  const below = target.slice(basePath.length)
  // `/collaborators` is not under `/collab`.
  return basePath === '' || /^(?:[/?]|$)/.test(below) ? below : null
}
