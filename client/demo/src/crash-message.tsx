/** What stands in the place of a part of the page that has thrown: a plain message instead of a white page. */
import { Component, type ReactNode } from 'react'

interface CrashMessageProps {
  /** The name of what is inside, as a reader would call it. */
  readonly part: string
  readonly children: ReactNode
}

export class CrashMessage extends Component<CrashMessageProps, { crashed: boolean }> {
  override state = { crashed: false }

  static getDerivedStateFromError() {
    return { crashed: true }
  }

  override render() {
    if (!this.state.crashed) return this.props.children
    return (
      <div className="crash" role="alert">
        <p>{this.props.part} has stopped because of a fault in this page. Load the page again to go on.</p>
        <button type="button" className="button" onClick={() => location.reload()}>
          Load again
        </button>
      </div>
    )
  }
}
