/**
 * Why a store could not be opened. The message names what was expected, what was found, and who must act; the code is for
 * the command line and for tests.
 */
export type StoreOpenCode =
  /** Another process holds the data folder. */
  | 'DATA_FOLDER_IN_USE'
  /** The folder, or the file in it, cannot be made, read or written. */
  | 'DATA_FOLDER_UNUSABLE'
  /** A newer Syncline wrote the store. */
  | 'STORE_FORMAT_NEWER'
  /** The file is not a Syncline store. */
  | 'STORE_FORMAT_FOREIGN'
  /** The file of revocations is not as it was written. */
  | 'REVOCATIONS_DAMAGED'
  /** Redis is there, and documents would not be safe in it. */
  | 'REDIS_UNSUITABLE'
  /** Redis is not there, and whoever asks does not want to wait. */
  | 'REDIS_AWAY'

export class StoreOpenError extends Error {
  override name = 'StoreOpenError'
  readonly code: StoreOpenCode

  constructor(code: StoreOpenCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
