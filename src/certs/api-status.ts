/** Whether the API server refused with one of these HTTP codes; anything else is no expected outcome. */
export const hasStatus = (error: unknown, ...codes: number[]): boolean =>
  error instanceof Error && 'status' in error && codes.some((code) => code === error.status);
