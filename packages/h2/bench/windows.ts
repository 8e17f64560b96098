/** Windows of every server and client that lets us choose: those of this package's defaults. */
export const streamWindowBytes: number = 1024 * 1024;
export const connectionWindowBytes: number = 16 * 1024 * 1024;
