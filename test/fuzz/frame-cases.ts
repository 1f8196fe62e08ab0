/**
 * Hostile frames from a seed. Half of them are frames that an honest client sends, with one field changed; the others are noise:
 * random bytes, the beginning of a frame, several in one, numbers without end.
 */
import { bytes, changeOne, endlessNumber, type Field, writeFields } from './fields.ts'
import {
  type Framing,
  forgedMessage,
  frameFields,
  type HonestMessage,
  honestMessage,
  largeCount,
  type WrittenDocument,
  writeDocuments,
} from './honest-messages.ts'
import { Dice, mutateField } from './mutate.ts'

export interface FrameCase {
  readonly number: number
  readonly framing: Framing
  readonly frame: Uint8Array
  /** What it was made of, and how. */
  readonly what: string
  readonly kind: 'one field changed' | 'noise'
}

/** Cases about one document, for one room. */
export interface Batch {
  readonly document: WrittenDocument
  readonly cases: readonly FrameCase[]
}

export interface FrameCasesOptions {
  readonly seed: number
  readonly count: number
  readonly casesPerBatch: number
  /** The document that Hocuspocus frames of a batch are about. */
  readonly key: (batch: number) => string
  /** Client ids of honest people under which some of the frames of a batch say something. */
  readonly forged?: (batch: number) => readonly number[]
}

const noiseBytesMax = 600
/** Of the batches, one in so many is about a document that is judged in the worker. */
const largeEvery = 12

export function* frameBatches(options: FrameCasesOptions): Generator<Batch> {
  const { seed, count, casesPerBatch, key, forged = () => [] } = options
  const dice = new Dice(seed)
  const documents = writeDocuments(seed)
  for (let first = 0; first < count; first += casesPerBatch) {
    const document =
      dice.roll(largeEvery) === 0 ? dice.pick(documents.slice(-largeCount)) : dice.pick(documents)
    const batch = first / casesPerBatch
    const subject = { document, key: key(batch), forged: forged(batch) }
    const length = Math.min(casesPerBatch, count - first)
    yield { document, cases: Array.from({ length }, (_, at) => makeCase(first + at, subject, dice)) }
  }
}

interface Subject {
  readonly document: WrittenDocument
  readonly key: string
  readonly forged: readonly number[]
}

function makeCase(number: number, { document, key, forged }: Subject, dice: Dice): FrameCase {
  const framing = dice.pick<Framing>(['y-websocket', 'y-websocket', 'hocuspocus'])
  const isForged = forged.length > 0 && dice.roll(6) === 0
  const honest = isForged
    ? forgedMessage(document, dice.pick(forged), dice)
    : honestMessage(framing, document, dice)
  const fields = frameFields(framing, key, honest)
  const isChanged = number % 2 === 0
  return {
    number,
    framing,
    // A client id that is another's is the one field that is changed.
    frame: isForged
      ? writeFields(fields)
      : isChanged
        ? oneFieldChanged(honest, fields, document, dice)
        : noise(fields, dice),
    what: honest.what,
    kind: isChanged || isForged ? 'one field changed' : 'noise',
  }
}

/** Most updates are changed in what they mean and stay well formed: such come further than wrong lengths do. */
function oneFieldChanged(
  honest: HonestMessage,
  fields: readonly Field[],
  { updates }: WrittenDocument,
  dice: Dice,
): Uint8Array {
  if (honest.what !== 'update' || dice.roll(3) === 0) return writeFields(changeOne(fields, dice))
  const head = fields.slice(0, fields.length - honest.body.length)
  const update = mutateField(dice.pick(updates), updates, dice)
  return writeFields([...head, { sized: [bytes(update)] }])
}

function noise(fields: readonly Field[], dice: Dice): Uint8Array {
  const frame = writeFields(fields)
  switch (dice.roll(6)) {
    case 0:
      return randomBytes(dice.roll(noiseBytesMax), dice)
    case 1:
      return frame.subarray(0, dice.roll(frame.length + 1))
    case 2:
      return Buffer.concat([frame, frame])
    case 3:
      return Buffer.concat([frame, randomBytes(1 + dice.roll(10), dice)])
    case 4: {
      const at = dice.roll(frame.length)
      return Buffer.concat([frame.subarray(0, at), endlessNumber(dice), frame.subarray(at)])
    }
    default: {
      const copy = frame.slice()
      for (let i = 1 + dice.roll(8); i > 0; i--) copy[dice.roll(copy.length)] = dice.roll(256)
      return copy
    }
  }
}

function randomBytes(length: number, dice: Dice): Uint8Array {
  return Uint8Array.from({ length }, () => dice.roll(256))
}
