# Written by hand: two friends over eight months. "@" begins a session, "#x" marks a turn, "?" asks and names its turns.
@ 2024-01-14 19:05
Nadia: Hey Theo! Happy new year, it has been ages. How are you holding up?
Theo: Nadia! Good to hear from you. Pretty well, still unpacking boxes to be honest.
#1 Theo: We finally got the keys two weeks ago, a little terraced house on the edge of Bristol. The kitchen is tiny but there's a shed.
Nadia: A shed! You'll never come out of it. What are you going to do in there?
#2 Theo: Build things, mostly. I want to get back into making furniture, I used to do it with my grandfather.
Nadia: That sounds lovely. He was the one with the boats, right?
#3 Theo: Exactly, he repaired fishing boats in Cornwall all his life. I still have his chisels. [a photo of a row of old chisels on a workbench]
Nadia: They look like they've seen things. Take care of them!
#4 Nadia: On my side, I handed in my notice on Friday. Eleven years at the bank and I just couldn't do it anymore.
Theo: Wow, that's huge. Congratulations, I think? What's next?
#5 Nadia: I want to open a bakery. I've been baking sourdough at night for two years and people keep telling me I should sell it.
Theo: You absolutely should. I still think about that cardamom bun you brought to my birthday.
Nadia: Ha, thank you. I'm terrified though.
Theo: Being terrified is a good sign. Do you have a place in mind?
#6 Nadia: There's a former laundromat around the corner from my flat. The rent is doable if I find a partner.
Theo: Fingers crossed. Keep me posted.
#7 Nadia: Oh, and Mochi says hi. She's sitting on my keyboard. [a photo of a gray cat lying across a laptop]
Theo: Give her a scratch from me. I'd love a pet but the landlord of the old place never allowed it.
? Where does Theo live now? = 1
? When did Theo get the keys to the house? = 1
? What hobby does Theo want to take up again? = 2
? What did Theo's grandfather do for a living? = 3
? What does Theo have from his grandfather? = 3
? When did Nadia quit her job? = 4
? How long did Nadia work at the bank? = 4
? What kind of business does Nadia want to start? = 5
? What location did Nadia consider for her shop? = 6
? What is the name of Nadia's cat? = 7
@ 2024-02-03 10:20
Theo: Morning! How's life without spreadsheets?
#8 Nadia: Strange and wonderful. I sleep until seven, which feels like a crime. And I found a partner, my old colleague Farah is putting in half of the money.
Theo: That's brilliant news! Is she a baker too?
#9 Nadia: Not at all, she does the numbers. She used to run audits, so nothing escapes her.
Theo: Perfect combination then.
#10 Nadia: We signed the lease yesterday. I cried in the stairwell like a child.
Theo: I'm so happy for you. When do you open?
#11 Nadia: If the ovens arrive on time, the first weekend of April.
#12 Theo: I'll drive up for that. By the way, I started therapy last month. I didn't want to make a fuss about it.
Nadia: I'm really glad you told me. Is it helping?
#13 Theo: I think so. After dad's funeral I just kept working and it caught up with me. I couldn't sleep at all in December.
Nadia: I'm sorry. I wish I'd been closer by.
Theo: You called every week, that was more than enough.
#14 Theo: She told me to write down three good things every evening. It felt silly, but I've filled half a notebook.
Nadia: That's not silly at all. What was yesterday's?
#15 Theo: A robin in the garden, hot soup, and finishing the first chair. [a photo of a simple wooden chair in a workshop]
Nadia: You made that? It's beautiful! What wood is it?
#16 Theo: Ash. My grandfather swore by it.
Nadia: I'm putting in an order for the bakery right now.
? Who is Nadia's business partner? = 8
? What does Farah take care of in the bakery? = 9
? When did Nadia sign the lease? = 10
? When is the bakery supposed to open? = 11
? When did Theo begin going to therapy? = 12
? Why did Theo have trouble sleeping? = 13
? What did Theo's therapist suggest? = 14
? What was the first piece of furniture that Theo completed? = 15
? What type of wood does Theo use? = 16
@ 2024-02-25 21:40
Nadia: Are you awake? I burnt forty loaves and I need someone to laugh at me.
Theo: I'm here! Forty? How?
#17 Nadia: The thermostat of the second-hand oven is broken. It says 220 and means 300.
Theo: Oh no. Can it be repaired?
#18 Nadia: A mechanic is coming on Wednesday. Until then we practice with croissants in Farah's kitchen.
Theo: Every disaster is a story for the opening speech.
Nadia: True. Tell me something nice.
#19 Theo: I went to the coast last weekend, all the way to St Ives. Walked eleven miles and saw seals.
Nadia: Seals! I'm jealous. Alone?
#20 Theo: With Ines. She's a marine biologist, we met at the climbing gym in January. I wasn't going to say anything yet.
Nadia: THEO. You bury the lead every single time. Tell me everything!
#21 Theo: She's from Porto, she laughs at my jokes, and she climbs twice as well as I do. That's all I know so far.
Nadia: I love her already. When do I meet her?
Theo: At your opening, if I don't ruin it before.
Nadia: You won't. How is the climbing going?
#22 Theo: My fingers hurt and I fell off a wall in front of a school class, so about as expected.
Nadia: Haha! I'd stay on the ground. Heights and I aren't friends since that ferris wheel.
#23 Theo: I remember, you held my arm so hard I had bruises.
? What went wrong with Nadia's oven? = 17
? When will the oven be fixed? = 18
? What animals did Theo see at the coast? = 19
? Where did Theo go hiking in February 2024? = 19
? What does Theo's girlfriend do for a living? = 20
? How did Theo and Ines meet? = 20
? Where is Ines from? = 21
? What is Nadia afraid of? = 23
? What sport does Theo practice? = 22 20
@ 2024-03-16 18:15
Theo: So, how are the croissants?
#24 Nadia: Better than the accounts! No, all fine. We have a name now: The Morning Shift.
Theo: That's perfect. Did you do the logo yourself?
#25 Nadia: My niece Leila drew it, she's fifteen and charges in brownies. [a drawing of a sun rising out of a loaf of bread]
Theo: She's hired for life. It's so charming.
#26 Nadia: She wants to study architecture, her portfolio is already better than mine ever was.
Theo: Art runs in the family. You used to paint, didn't you?
#27 Nadia: A long time ago. Oil, mostly, big skies. I sold exactly one picture, to my dentist.
Theo: You should hang them in the shop.
Nadia: Maybe one, behind the counter where nobody looks.
#28 Theo: I've got news as well. I applied for a position at the maritime museum, restoring model ships. The interview is on the 28th.
Nadia: Theo! That's made for you! What about the insurance job?
#29 Theo: I've been selling policies for nine years and I can't remember a single one.
Nadia: That was me and the bank. Do you need help with the preparation?
Theo: Could you ask me nasty questions on the phone?
Nadia: My specialty. Monday evening?
Theo: Monday works. Thank you.
#30 Nadia: One request in return: I need someone to build the counter. Farah thinks I'm mad not to buy one.
Theo: I'd be honored. Send me the measurements.
? What is the bakery called? = 24
? Who designed the logo for Nadia's bakery? = 25
? What does Nadia's niece want to study? = 26
? What did Nadia use to paint? = 27
? Who bought one of Nadia's pictures? = 27
? Which job did Theo apply for? = 28
? When is Theo's job interview? = 28
? What was Theo's previous job? = 29
? What did Nadia ask Theo to build? = 30
@ 2024-04-07 22:10
Nadia: I can't feel my feet. We did it!!
Theo: It was incredible. The line went around the corner!
#31 Nadia: We sold out by eleven. Four hundred buns. My mother stood behind the counter and told everyone I was an only child who never called.
Theo: She's a legend. She gave me a box to take home and told me I was too thin.
#32 Nadia: And Ines! She washed dishes for three hours without anybody asking. Marry her.
Theo: One step at a time. She adored you too.
Nadia: And the counter, Theo. People kept touching it. [a photo of a long oak counter with baskets of bread]
#33 Theo: It took me five weekends, and I glued my sleeve to it twice. I'm proud of it though.
Nadia: You should be. How did it go with the museum? With all the chaos I didn't even ask.
#34 Theo: They called on Thursday. I start on the first of May!
Nadia: Aaaah! Why didn't you tell me right away?
Theo: It was your day. I wanted it to be your day.
Nadia: You're the best. We need to celebrate. Dinner at the Lebanese place?
#35 Theo: Yes please. But no more hummus with pine nuts for me, remember the hospital.
Nadia: Oh god, yes. The swollen face. I'll tell them about the nuts.
#36 Theo: I carry an injector in my bag ever since.
? How did the bakery's first day go? = 31
? Who helped with washing up at the opening? = 32
? How long did it take Theo to make the counter? = 33
? When does Theo start his new job? = 34
? What food is Theo allergic to? = 35
? What does Theo carry in case of an emergency? = 36
@ 2024-05-05 09:30
Nadia: First week at the museum! Tell me.
#37 Theo: I spent three days on the rigging of a clipper from 1869. Nobody spoke to me and I've never been happier.
Nadia: That's the most you thing I've ever heard.
#38 Theo: My boss is a retired naval engineer called Winifred, she's eighty and smokes a pipe.
Nadia: I want to be Winifred. How's Ines?
#39 Theo: Off to the Azores for six weeks to count whales. We talk every night, but the time difference and the waves don't help.
Nadia: Six weeks! That's long. Are you okay?
#40 Theo: I am. I got company though. Meet Captain, he's a rescue, part terrier and part carpet. [a photo of a small scruffy dog on a blue sofa]
Nadia: You got a DOG! Look at that face! When?
#41 Theo: Last Saturday, from the shelter in Bath. He was found on a ferry, hence the name.
Nadia: I can't cope. Mochi is going to be offended.
Theo: They'll have to meet on neutral ground.
#42 Nadia: We had a bit of a crisis here. Our flour supplier went bankrupt and prices went up by a third.
Theo: Ouch. What did you do?
#43 Nadia: Farah drove to a mill in the Cotswolds and charmed the owner. We now buy directly from him, and it's better flour.
Theo: Never underestimate an auditor.
#44 Nadia: And a food blogger wrote about us! She called the cardamom bun "a small religious experience".
Theo: I've been saying that for years, for free.
? What did Theo work on in the first week at the museum? = 37
? Who is Theo's boss? = 38
? Where did Ines travel for work? = 39
? What kind of pet does Theo have? = 40
? When did Theo adopt the dog? = 41
? Why is the dog called Captain? = 41
? Where did Theo get Captain from? = 41
? Why did the bakery have to change its supplier? = 42
? Where does the flour come from now? = 43
? What did the food blogger write about? = 44
@ 2024-06-02 20:00
Theo: How was your mother's birthday?
#45 Nadia: Loud! Seventy people, three cakes, and my uncle sang. She turned seventy-five and danced until two.
Theo: I wouldn't expect anything less of her.
#46 Nadia: I gave her a flight to Beirut. She hasn't been back since 1989. We're going together in September.
Theo: Oh Nadia, that's so moving. Did she cry?
Nadia: She said the seats are too small and hugged me for ten minutes.
Theo: What do you want to see there?
#47 Nadia: The house she grew up in, if it still stands. And the sea from the Corniche, she talks about it all the time.
Theo: Bring me a stone from the beach.
Nadia: I will. And you? You look thin again on the photos.
#48 Theo: I've started running with Captain in the mornings, five kilometers along the canal. I've signed up for the half marathon in October.
Nadia: Who are you and what have you done with Theo?
#49 Theo: My doctor found that my blood pressure was too high. It runs in the family, so I cut out salt and took up jogging.
Nadia: I'm glad you're taking it seriously. I worry about you.
Theo: I know. Thank you.
#50 Theo: I also joined a choir, of all things. Winifred sings alto and wouldn't take no for an answer.
Nadia: A choir! What do you sing?
#51 Theo: Sea shanties and Bach. There's a concert on the 22nd of June in the cathedral.
Nadia: I'm closing the shop early and I'm bringing everybody.
? How old did Nadia's mother turn? = 45
? What present did Nadia give her mom? = 46
? When is Nadia traveling to Lebanon? = 46
? What would Nadia like to visit in Beirut? = 47
? How does Theo stay fit? = 48 49
? What race is Theo training for? = 48
? What health problem does Theo have? = 49
? What musical group did Theo become a member of? = 50
? When is Theo's concert? = 51
? What music does the choir perform? = 51
@ 2024-06-30 11:45
Nadia: I still have goosebumps from the concert. I didn't know you could sing like that.
Theo: I was hiding behind a very tall tenor.
#52 Nadia: My mother has asked twice whether the tenor is married.
Theo: Ha! I'll inquire.
#53 Theo: Ines is back! She surprised me the night before, she'd taken an earlier boat. I dropped a whole lasagna.
Nadia: That's like a film! Did you save the lasagna?
Theo: Captain did.
#54 Nadia: Good boy. I have something to tell you, too. I've been seeing someone. His name is Mateus and he delivers our coffee.
Theo: The tall one with the motorbike?
#55 Nadia: That one. He took me to an open-air cinema last Tuesday, we watched Casablanca under a plastic tarp because of the rain.
Theo: That's the most romantic thing I've heard this year.
Nadia: I'm trying not to plan our retirement.
#56 Nadia: He has a daughter, Clara, she's six and she's obsessed with volcanoes. I made her a cake with lava. [a photo of a chocolate cake with red glaze running down]
Theo: You've won her for life.
Nadia: She asked for the recipe so she can "do science".
#57 Theo: Speaking of science, Ines got the research grant! Three years of funding, and she can stay in Bristol.
Nadia: YES! Tell her I'm baking something with blue icing.
? When did Ines come back? = 53
? What meal was Theo making when Ines surprised him? = 53
? Who is Nadia dating? = 54
? What is Mateus's job? = 54
? What movie did Nadia and Mateus see? = 55
? When did Nadia go to the cinema? = 55
? What is Clara interested in? = 56
? What did Nadia bake for Clara? = 56
? What did Ines receive funding for? = 57
@ 2024-07-21 17:30
Theo: Quick question, how do you get red wine out of a sail?
Nadia: I have so many questions. Salt and cold water. What happened?
#58 Theo: We rented a small boat for Ines's birthday and I opened the bottle with too much enthusiasm.
Nadia: Of course you did. How old is she now?
#59 Theo: Thirty-four. I gave her a jewelry box I made from walnut, with a hidden drawer.
Nadia: What's in the hidden drawer, Theo?
#60 Theo: Nothing. Yet. I've been looking at rings.
Nadia: I'm screaming. The customers are staring.
Theo: Not a word to anyone, please. I want to ask her in Porto at Christmas, with her parents around.
Nadia: My lips are sealed.
#61 Nadia: I twisted my ankle on Thursday, slipped on butter. So now I'm doing the till and Farah is covered in flour for once.
Theo: Slipped on butter is a baker's injury of honor. Is it bad?
#62 Nadia: Two weeks with a brace, says the doctor. No running after buses.
Theo: Take it easy. Do you need help in the shop?
#63 Nadia: We hired a student, Jun. He's studying chemistry and treats the dough like an experiment. He's brilliant.
Theo: Sounds as if you're growing.
#64 Nadia: We are. We're even thinking about a second branch next year, near the university.
Theo: From a laundromat to an empire.
? What did Theo give Ines for her birthday? = 59
? How did they celebrate Ines's birthday? = 58
? When does Theo plan to propose? = 60
? What is Theo secretly shopping for? = 60
? What injury did Nadia suffer? = 61
? When did Nadia hurt her ankle? = 61
? How long does Nadia have to wear the brace? = 62
? Who is the new employee of the bakery? = 63
? What are Nadia's plans for expanding the business? = 64
@ 2024-08-18 20:50
Nadia: I miss you! Two weeks without a word, what's going on?
#65 Theo: Sorry! We had a flood in the workshop. A pipe burst and half of my wood is ruined.
Nadia: Oh no, Theo. And the tools?
#66 Theo: The chisels were on the top shelf, thank God. The insurance pays for the rest, the irony isn't lost on me.
Nadia: The universe has humor. Can I help?
Theo: You did already, the bread parcel saved us.
#67 Theo: On the bright side, a gallery in town asked whether they can show my chairs in November. Six of them.
Nadia: An exhibition! Theo, you're an artist now!
#68 Theo: I only have two left, so I'll be gluing day and night.
Nadia: You thrive on panic. I'm so proud.
#69 Nadia: Clara starts school next week. She asked me to walk her there together with her dad. I had to go to the pantry to compose myself.
Theo: That's a big deal. You're family.
Nadia: I think so too. It scares me how much I like it.
#70 Nadia: We spent a week in Wales together, camping near Snowdon. It rained for six days and we played cards in the tent.
Theo: And on the seventh?
#71 Nadia: On the seventh we saw a rainbow and Clara found a sheep's skull. She was delighted.
Theo: Future geologist or pathologist.
#72 Nadia: I've also taken up Portuguese, Mateus's parents don't speak a word of English.
Theo: Ines can practice with you! She'd love that.
? What happened to Theo's workshop? = 65
? Who pays for the damage in the workshop? = 66
? Where will Theo's furniture be shown? = 67
? When is Theo's exhibition? = 67
? Where did Nadia go on holiday with Mateus? = 70
? What did they do in the tent when it rained? = 70
? What did Clara find in Wales? = 71
? What language is Nadia learning? = 72
? Why is Nadia learning Portuguese? = 72
? Whom did Nadia walk to school? = 69
? What has Theo made out of wood? = 15 33 59
? Which outdoor activities did Theo do? = 19 48 58
? What pets do Nadia and Theo have? = 7 40
