import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { createAuthority, issueLeaf, type KeyPair } from '../src/certs/authority.ts';
import { failsAt, type PodBehaviour } from './pod-behaviour.ts';

// Ports of pods that do not speak HTTP: each line that comes in is answered with a line of JSON that says by whom.

export interface Speaker {
  pod: string;
  namespace: string;
  behaviour: PodBehaviour;
}

export type Conversation = (socket: Socket) => void;

/** What a pod says on its connections; the errors that its image asks for are connections closed without a word. */
export const createConversation = ({ pod, namespace, behaviour }: Speaker): Conversation => {
  const { version, errorPercent, latencyMs } = behaviour;
  const line = `${JSON.stringify({ pod, namespace, version })}\n`;
  let connections = 0;
  return (socket) => {
    connections += 1;
    const fails = failsAt(connections, errorPercent);
    // Clients hang up when they please.
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      const lines = data.toString().split('\n').length - 1;
      void sleep(latencyMs).then(() => {
        if (fails) socket.destroy();
        else if (socket.writable) socket.write(line.repeat(lines));
      });
    });
  };
};

export const createTcpServer = (conversation: Conversation): Server => createServer(conversation);

export const createEncryptedServer = async (conversation: Conversation): Promise<Server> => {
  const { cert, key } = await identity();
  return createTlsServer({ cert, key }, conversation);
};

// One for all pods: its key takes a moment to find.
let pair: Promise<KeyPair> | undefined;
const identity = (): Promise<KeyPair> => {
  pair ??= createAuthority(new Date()).then((authority) => issueLeaf(authority, ['pod.lab'], new Date()));
  return pair;
};
