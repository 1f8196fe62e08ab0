import { LogRefusal, type NewBase } from './update-log.ts'

/**
 * Refuses a base that no store takes.
 */
const baseBytesMax = 1024 * 1024 * 1024
const basePiecesMax = 16_384

/** Throws a `LogRefusal`. */
export function checkBaseSize({ pieces }: Pick<NewBase, 'pieces'>): void {
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (bytes > baseBytesMax || pieces.length > basePiecesMax)
    throw new LogRefusal(
      `expected a base of at most ${baseBytesMax} bytes in ${basePiecesMax} pieces, ` +
        `got ${bytes} in ${pieces.length}`,
    )
}
