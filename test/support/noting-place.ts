/**
 * A room as a connection sees it, which only notes what it is told.
 */
import type { Place } from '@syncline/server/internal/connection/session'
import type { Member } from '@syncline/server/internal/room/member'
import type { Message } from '@syncline/shared/wire/message'

export class NotingPlace implements Place {
  readonly members: Member[] = []
  readonly received: Message[] = []
  readonly left: ('closed' | 'lost')[] = []
  onReceive: (member: Member, message: Message) => void | Promise<void> = () => {}

  enter(member: Member): void {
    this.members.push(member)
  }

  receive(member: Member, message: Message): void | Promise<void> {
    this.received.push(structuredClone(message))
    return this.onReceive(member, message)
  }

  accessChanged(): void {}

  leave(_member: Member, how: 'closed' | 'lost'): void {
    this.left.push(how)
  }

  kinds(): string[] {
    return this.received.map(message => message.kind)
  }
}
