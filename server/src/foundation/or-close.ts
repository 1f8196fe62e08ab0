/** What is open is closed where the next thing cannot be opened: an application that embeds a server may try again. */
export async function orClose<Opened>(
  open: { close(): Promise<void> },
  next: () => Opened | Promise<Opened>,
): Promise<Opened> {
  try {
    return await next()
  } catch (error) {
    await open.close()
    throw error
  }
}
