import { describeSequences } from './sequences.ts';

// With the webhook optional: while Kanari is away, the API server's own policy is all that holds.
describeSequences({ failsafe: true }, [1, 2, 3]);
