import type { KubeObject } from '../core/objects.ts';
import type { Writer } from './api.ts';
import { apiVersionOf } from './resources.ts';

interface SelfSubjectReview extends KubeObject {
  status?: { userInfo?: { username?: string } };
}

/**
 * The user that the API server takes this process for; admission tells Kanari's own writes by it.
 * @throws KubeError, or an Error when the API server names nobody
 */
export const askOwnUsername = async (writer: Writer, signal: AbortSignal): Promise<string> => {
  const question: SelfSubjectReview = {
    apiVersion: apiVersionOf('SelfSubjectReview'),
    kind: 'SelfSubjectReview',
    metadata: { name: '' },
  };
  const answer = await writer.create(question, { signal });
  const username = answer.status?.userInfo?.username;
  if (username === undefined || username === '')
    throw new Error('the API server does not say who this process is');
  return username;
};
