/** Questions of a form: which are asked, where an error belongs, and how an answer reads. The server decides; this only shows. */
export type Answers = Record<string, unknown>

interface Condition { field: string; is: unknown[] }
interface Option { value: string; label: string }
export interface InnerQuestion {
  name: string; kind: string; label: string; hint: string | null; required: boolean; options: Option[]; show_if: Condition | null; source: string | null
}
export interface Question extends InnerQuestion { fields: InnerQuestion[] }
export interface FormPage<Q extends Question = Question> { key: string; fields: Q[] }

/** Names of the questions that are asked with these answers: a hidden question's answer counts for no other. */
export function askedNames(pages: FormPage[], answers: Answers): Set<string> {
  const asked = new Set<string>()
  for (const page of pages) {
    for (const one of page.fields) {
      const cause = one.show_if
      if (!cause || (asked.has(cause.field) && cause.is.includes(answers[cause.field]))) asked.add(one.name)
    }
  }
  return asked
}

export const fromProfile = (one: { source: string | null }): boolean => one.source?.startsWith('profile.') ?? false

/** `/answers/shareholders/0/name` → `f-shareholders-0-name`, the id of the field on its page. */
export const fieldId = (pointer: string): string => `f-${pointer.split('/').slice(2).join('-')}`

/** The question that a pointer into the answers is about. */
export const questionOf = (pointer: string): string => pointer.split('/')[2] ?? ''

/** Whole numbers are kept as numbers; what is half typed is kept as it is, and the server says what is wrong. */
export const numberOf = (text: string): unknown => (text === '' ? null : /^-?\d{1,15}$/.test(text) ? Number(text) : text)

interface Words { yes: string; no: string; agreed: string; none: string; stop: string }

/** One answer in words, such as on the page that checks all of them. */
export function answerText(one: InnerQuestion & { fields?: InnerQuestion[] }, value: unknown, words: Words): string {
  const label = (choice: unknown) => one.options.find((option) => option.value === choice)?.label ?? String(choice)
  if (value === undefined || value === null || value === '') return words.none
  if (one.kind === 'yes_no') return value === true ? words.yes : words.no
  if (one.kind === 'agree') return value === true ? words.agreed : words.none
  if (one.kind === 'choice') return label(value)
  if (!Array.isArray(value)) return String(value)
  if (one.kind === 'choices') return value.length ? value.map(label).join(words.stop) : words.none
  const row = (answers: Answers) => (one.fields ?? []).filter((inner) => answers[inner.name] !== undefined && answers[inner.name] !== '')
    .map((inner) => answerText(inner, answers[inner.name], words)).join(' ')
  return value.map((answers) => row(answers as Answers)).filter(Boolean).join('\n') || words.none
}
