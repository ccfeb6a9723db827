/** The words that made-up names consist of: an adjective and a scientist's surname. */
export const ADJECTIVES: readonly string[] = [
  "able agile amber ample apt ardent autumn azure balmy bold brave breezy bright brisk calm candid careful",
  "cheerful chilly civil clear clever cobalt copper coral cordial cosmic crimson crisp curious dapper daring deft",
  "dewy eager early earnest easy ebony elegant even fabled fair famous fearless festive fine firm fleet fluent",
  "fond frank fresh frosty gallant gentle gifted glad golden graceful grand hardy hazel hearty helpful honest",
  "hopeful humble indigo ivory jaunty jolly jovial keen kind lively loyal lucid lucky lunar magic mellow merry",
  "mighty mild mindful misty modest mossy neat nimble noble olive opal open patient placid playful plucky polite",
  "proud prudent quick quiet quirky radiant rapid ready regal robust rosy rustic sage scarlet serene sharp shiny",
  "silent silver sincere sleek smart snappy snowy sober solar spry stable starry steady stellar stoic sturdy",
  "sunny supple swift tactful tender tidy tranquil trusty upbeat urban valiant velvet verdant vivid warm watchful",
  "whimsical windy wise witty woolly young zealous zesty",
].flatMap(line => line.split(" "));

export const SURNAMES: readonly string[] = [
  "abel agnesi ampere anning archimedes avogadro babbage banneker bardeen bell bessel blackwell bohr boltzmann",
  "boole born bose boyle brahe burnell cantor carson cauchy cavendish chandra clausius copernicus coulomb crick",
  "curie cuvier dalton darwin davy descartes dijkstra dirac doppler edison einstein elion erdos euclid euler",
  "faraday fermat fermi feynman fibonacci fleming fourier franklin fresnel galileo galois gauss germain goeppert",
  "goldberg goodall hadamard halley hamilton heisenberg herschel hertz hilbert hodgkin hooke hopper hubble",
  "humboldt huygens hypatia jacobi jemison johnson joule kelvin kepler khayyam kirchhoff knuth kovalevskaya",
  "lagrange lamarr laplace lavoisier leavitt leibniz lise lorentz lovelace maxwell mcclintock meitner mendel",
  "mendeleev minkowski mirzakhani mitchell moser nash newton nightingale nobel noether ohm oppenheimer pascal",
  "pasteur pauli payne perlman planck poincare ptolemy pythagoras raman ramanujan ride riemann ritchie roentgen",
  "rubin rutherford sagan salk schrodinger shannon sinoussi somerville tesla thales thompson torvalds turing",
  "vaughan volta wallace watt weierstrass wiles wilson wing wozniak wu yalow yonath",
].flatMap(line => line.split(" "));
