import { describeSequences } from './sequences.ts';

// Fixed, so that a red run means a change and not bad luck; other seeds are for looking for trouble.
describeSequences({}, [1, 2, 3, 4, 5]);
