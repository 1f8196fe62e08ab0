/**
 * A document's content in one of the forms in which people take it along. Runs in the worker.
 */
import { encodeStateAsUpdate } from 'yjs'
import { describeDocument, textOfDocument, toJson } from './describe-document.ts'
import type { ExportFormat } from './export-format.ts'
import { loadDocument, type StoredUpdates } from './load-document.ts'

export type ReadContent =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly place: string; readonly reason: string }

export function readContent({ format, ...stored }: StoredUpdates & { format: ExportFormat }): ReadContent {
  const loaded = loadDocument(stored)
  if (!loaded.ok) return loaded
  const { document } = loaded
  switch (format) {
    case 'update':
      return { ok: true, bytes: encodeStateAsUpdate(document) }
    case 'json': {
      const roots = describeDocument(document).map(({ name, kind, value }) => [name, { kind, value }])
      return { ok: true, bytes: Buffer.from(`${toJson(Object.fromEntries(roots))}\n`) }
    }
    case 'text':
      return { ok: true, bytes: Buffer.from(textOfDocument(document)) }
  }
}
