/**
 * The forms in which a document's content can be taken along. `update`: everything, as one Yjs update (V1). `json`, `text`:
 * what can be read of it (`describe-document.ts`).
 */
export const exportFormats = ['update', 'json', 'text'] as const

export type ExportFormat = (typeof exportFormats)[number]
