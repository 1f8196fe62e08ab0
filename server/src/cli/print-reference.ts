/**
 * Prints the pages of `docs/` that come from the tables. Run from anywhere, in a clone.
 */
import { writeFile } from 'node:fs/promises'
import { referencePages } from './reference.ts'

for (const { file, text } of referencePages()) {
  await writeFile(new URL(`../../../${file}`, import.meta.url), text)
}
