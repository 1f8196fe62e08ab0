/**
 * How much somebody may do with a document. Each allows what stands before it: who may write may read, an admin may also
 * do what concerns others, such as restoring versions.
 */
export const accesses = ['read', 'write', 'admin'] as const
export type Access = (typeof accesses)[number]

/** Whether `access` allows what needs `needed`. */
export function allows(access: Access, needed: Access): boolean {
  return accesses.indexOf(access) >= accesses.indexOf(needed)
}

/** The one that allows less. */
export function lesserAccess(a: Access, b: Access): Access {
  return allows(a, b) ? b : a
}
