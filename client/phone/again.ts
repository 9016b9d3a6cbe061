// What JsSIP does by itself where a connection is lost, asked for where only nobody answers on it.

export interface Socket {
  disconnect(): void;
  ondisconnect(error: boolean, code: number, reason: string): void;
}

/** Give the connection up: JsSIP makes another. */
export function connectAgain(socket: Socket): void {
  socket.disconnect();
  socket.ondisconnect(true, 0, "");
}
