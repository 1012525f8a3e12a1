import { admissionBenchmarks } from './admission.ts';
import { measure, printTable } from './measure.ts';
import { planBenchmarks } from './plan.ts';

// `npm run bench`, or `npm run bench -- admission`: figures to compare with each other on one machine, never a test.

const GROUPS = { admission: admissionBenchmarks, plan: planBenchmarks };

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in GROUPS));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are: ${Object.keys(GROUPS).join(', ')}`);
  process.exit(2);
}
for (const [name, benchmarks] of Object.entries(GROUPS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n${name}`);
  printTable(benchmarks().map(measure));
}
