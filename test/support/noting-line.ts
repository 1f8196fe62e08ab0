/**
 * A socket as conversations see it, which only notes what it is told. What is sent is read as a Hocuspocus provider would read it.
 */
import type { Line } from '@syncline/server/internal/connection/line'
import type { CloseCode } from '@syncline/shared/wire/close-codes'
import { type KeyedFrame, readKeyedFrame } from './raw-hocuspocus.ts'

export class NotingLine implements Line {
  readonly id = 'line'
  readonly waitingBytes = 0
  readonly frames: KeyedFrame[] = []
  closedWith: { readonly code: number; readonly detail: string | undefined } | undefined

  /** `key kind text` of each frame, in order. */
  get said(): string[] {
    return this.frames.map(({ key, kind, text }) => [key, kind, text].filter(part => part !== '').join(' '))
  }

  send(frame: Uint8Array): void {
    this.frames.push(readKeyedFrame(withoutHeader(frame)))
  }

  async drained(): Promise<boolean> {
    return true
  }

  setReading(): void {}

  async ping(): Promise<void> {}

  evict(): void {}

  cut(): void {}

  close({ code }: CloseCode, detail?: string): void {
    this.closedWith ??= { code, detail }
  }
}

/** The message in a WebSocket frame of a server: two bytes, and the length in two or eight more where it is above 125 bytes. */
function withoutHeader(frame: Uint8Array): Uint8Array {
  const length = frame[1] ?? 0
  return Uint8Array.from(frame.subarray(length < 126 ? 2 : length === 126 ? 4 : 10))
}
