"""Other languages: what cannot be read here and speaks of numbers or benefits is not vouched for."""

from collections.abc import Collection

from policy.claims.vocabulary import word_set

_FOREIGN = word_set(
    "el los las una un por para con del está esta es su tu que más mas soy eres muy der die das und ist ein eine mit "
    "für fur sie ihr ihre ihnen dir euch gebe gibt geben nicht auf ich bin wir haben wird "
    "le les des est une votre vous pour avec dans sur et du nous "
    "je suis il lo gli che della tuo sono di per non il het een voor van uw met niet você voce seu sua uma não nao sou "
    "usted ustedes si nos lei la von uns einen einem einer nur wenn mir"
)
_ENGLISH = word_set(
    "the you your is it to of and for on we i this that are with at our can have be my off free get from by will i'll"
)
# One of these alone does not make a sentence foreign.
_ALSO_ENGLISH = word_set("per die on est sur et plus con para du no van me es una een den once due sei la si")
_NUMBERS = word_set(
    "dos tres cuatro cinco seis siete ocho nueve diez once doce quince veinte treinta cincuenta cien mitad "
    "zwei drei vier fünf funf sechs sieben acht neun zehn elf zwölf zwolf zwanzig dreißig fünfzig hundert halb "
    "halber halbe halbes halben "
    "deux trois quatre cinq sept huit neuf dix onze douze quinze vingt trente cinquante cent moitié moitie "
    "due tre quattro cinque sei sette otto nove dieci undici dodici venti trenta cinquanta cento metà meta "
    "dois duas quatro sete oito dez doze vinte trinta cinquenta metade twee vijf zes zeven negen tien twaalf twintig "
    "hoy mañana manana heute morgen aujourd'hui demain oggi domani hoje amanhã amanha vandaag"
)
_TRADE = (
    "descuent", "grati", "envío", "envio", "entreg", "reembols", "garant", "oferta", "regal", "por ciento", "ahorr",
    "rabatt", "kostenlos", "versand", "liefer", "prozent", "angebot", "geschenk", "sparen", "spart", "lager", "umsonst",
    "schenk", "hälfte", "halfte", "zurück", "zuruck",
    "remise", "livraison", "livré", "livre", "rembours", "offre", "cadeau", "offert", "pour cent", "économis",
    "sconto", "spedizion", "consegn", "rimbors", "offert", "omaggio", "per cento", "risparm", "disponib", "dispon",
    "desconto", "frete", "devolu", "brinde", "economi", "korting", "verzend", "bezorg", "terugbetal", "cadeau",
    "reserv", "enviad", "geschickt", "gesendet", "envoy", "inviat", "persona del", "mitarbeiter", "conseiller",
)  # fmt: skip


def is_foreign_claim(words: Collection[str], lower: str, *, least: int = 0) -> bool:
    """Whether a sentence is not English and names a number, a day or a benefit in its own language.

    `least` is how many of the other language's small words there have to be.
    """
    foreign, english = sum(word in _FOREIGN for word in words), sum(word in _ENGLISH for word in words)
    certain = [word for word in words if word not in _ALSO_ENGLISH and (word in _FOREIGN or word in _NUMBERS)]
    if foreign < least:
        return False
    if foreign <= english and (english or not certain):
        return False
    if foreign < 2 and not certain:
        return False
    return not _NUMBERS.isdisjoint(words) or any(stem in lower for stem in _TRADE)
