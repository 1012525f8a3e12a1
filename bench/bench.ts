import { benchmarkAdmission } from './admission.ts';
import { benchmarkAnalysis } from './analysis.ts';
import { benchmarkPlan } from './plan.ts';

// `npm run bench`, or `npm run bench -- admission`: figures to compare with each other on one machine, never a test.

const GROUPS: Readonly<Record<string, () => void | Promise<void>>> = {
  admission: benchmarkAdmission,
  analysis: benchmarkAnalysis,
  plan: benchmarkPlan,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in GROUPS));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are: ${Object.keys(GROUPS).join(', ')}`);
  process.exit(2);
}
for (const [name, benchmark] of Object.entries(GROUPS)) {
  if (wanted.length === 0 || wanted.includes(name)) await benchmark();
}
