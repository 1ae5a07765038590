declare module 'virtual:first-texts' {
  const texts: Record<string, string>
  export default texts
}
