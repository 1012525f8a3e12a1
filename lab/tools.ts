import { runCommand } from './command.ts';

// What has to be on the machine for the lab's programs to be made.

const INSTALL_HINTS = {
  go: 'Go 1.26 or later (https://go.dev/dl) on the PATH',
  python3: 'Python 3 with pip on the PATH',
};

/** Runs it in the folder and answers what it printed. Throws the tail of what it said, and what to install. */
export const runTool = async (
  tool: keyof typeof INSTALL_HINTS,
  args: string[],
  cwd: string,
): Promise<string> => {
  const result = await runCommand(tool, args, { cwd }).catch((cause: unknown) => {
    throw new Error(`the lab needs ${INSTALL_HINTS[tool]}`, { cause });
  });
  if (result.code === 0) return result.stdout;
  const said = `${result.stderr}${result.stdout}`.trim().split('\n').slice(-20).join('\n');
  throw new Error(`${tool} ${args.join(' ')} failed (the lab needs ${INSTALL_HINTS[tool]}):\n${said}`);
};
