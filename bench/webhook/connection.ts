import { connect, type TLSSocket } from 'node:tls';

// One HTTP/1.1 connection that is kept alive. Node's own client would cost more than the servers that are measured.

export interface Connection {
  /** Sends a request made by `post`; resolves with the body of the answer. One at a time. */
  ask(request: Buffer): Promise<Buffer>;
  close(): void;
}

/** The bytes of a POST of JSON. */
export const post = (path: string, body: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
    ),
    body,
  ]);

const HEAD_END = Buffer.from('\r\n\r\n');

/** The body, once all of it is there. Throws for any answer but a 200 of a known length. */
const bodyOf = (received: Buffer): Buffer | undefined => {
  const end = received.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = received.subarray(0, end).toString('latin1');
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  if (!head.startsWith('HTTP/1.1 200 ') || length === undefined)
    throw new Error(`unexpected answer:\n${head}`);
  const body = received.subarray(end + HEAD_END.length);
  return body.length < Number(length) ? undefined : body;
};

const opened = (port: number, ca: string): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, minVersion: 'TLSv1.3' });
    socket
      .setNoDelay(true)
      .once('secureConnect', () => resolve(socket))
      .once('error', reject);
  });

export const openConnection = async (port: number, ca: string): Promise<Connection> => {
  const socket = await opened(port, ca);
  const ask = (request: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      let received: Buffer = Buffer.alloc(0);
      const settle = (finish: () => void): void => {
        socket.off('data', onData).off('error', onEnd).off('close', onEnd);
        finish();
      };
      const onEnd = (error?: unknown): void =>
        settle(() => reject(error instanceof Error ? error : new Error('the server closed the connection')));
      const onData = (chunk: Buffer): void => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        try {
          const body = bodyOf(received);
          if (body !== undefined) settle(() => resolve(body));
        } catch (error) {
          onEnd(error);
        }
      };
      socket.on('data', onData).on('error', onEnd).on('close', onEnd);
      socket.write(request);
    });
  return { ask, close: () => socket.destroy() };
};
