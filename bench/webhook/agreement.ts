import { isDeepStrictEqual } from 'node:util';
import jsonPatch, { type Operation } from 'fast-json-patch';
import type { Deployment } from '../../src/core/objects.ts';

interface ReviewAnswer {
  response: { allowed: boolean; patch?: string };
}

/** The object as the API server stores it after this answer. */
const admitted = (object: Deployment, answer: Buffer): Deployment => {
  const { response } = JSON.parse(answer.toString('utf8')) as ReviewAnswer;
  if (!response.allowed) throw new Error('a webhook has denied the request');
  if (response.patch === undefined) return object;
  const patch = JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8')) as Operation[];
  return jsonPatch.applyPatch(structuredClone(object), patch).newDocument;
};

/** Throws unless every answer leads to the same object: else the work compared is not the same. */
export const assertAgreement = (scenario: string, object: Deployment, answers: readonly Buffer[]): void => {
  const [first, ...others] = answers.map((answer) => admitted(object, answer));
  if (!others.every((other) => isDeepStrictEqual(other, first))) {
    throw new Error(`${scenario}: the webhooks do not agree on the object`);
  }
};
