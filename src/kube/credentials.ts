/** How one request proves who sends it, and whom it trusts. */
export interface Identity {
  /** Value of the `authorization` header; undefined with a client certificate. Never logged. */
  authorization?: string;
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  servername?: string;
  rejectUnauthorized?: boolean;
}

/** Port to wherever credentials come from. */
export interface Credentials {
  /** Base URL of the API server, without a trailing slash. */
  server: string;
  /** Namespace of the service account or of the kubeconfig's context. */
  namespace?: string;
  /** Cheap to ask for every request: answers from memory for up to 60 s. */
  identify(): Promise<Identity>;
  /** What `identify` gave was refused (401): the next one is read anew. */
  renew(): void;
}
